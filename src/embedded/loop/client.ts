/** A small GraphQL client: what any partner could write in a minute. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

export class ApiError extends Error {
  constructor(
    message: string,
    readonly code: string,
    readonly hint: string | null,
  ) {
    super(message);
    this.name = 'ApiError';
  }
}

interface Answer {
  data?: unknown;
  errors?: { message: string; extensions?: { code?: string; hint?: string } }[];
}

export class Client {
  constructor(
    /** e.g. http://127.0.0.1:4000/graphql */
    private readonly endpoint: string,
    private readonly credential: string,
  ) {}

  /** Runs one operation; an error answer becomes an ApiError with its code and hint. */
  async run<T>(
    document: string,
    variables: Record<string, unknown> = {},
    idempotencyKey?: string,
  ): Promise<T> {
    const response = await fetch(this.endpoint, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${this.credential}`,
        ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
      },
      body: JSON.stringify({ query: document, variables }),
    });
    const answer = (await response.json()) as Answer;
    const error = answer.errors?.[0];
    if (error)
      throw new ApiError(error.message, error.extensions?.code ?? 'INTERNAL', error.extensions?.hint ?? null);
    return answer.data as T;
  }

  /** Streams a file to a signed URL; memory stays flat however large the file is. */
  async upload(url: string, path: string): Promise<void> {
    const { size } = await stat(path);
    const response = await fetch(url, {
      method: 'PUT',
      headers: { 'content-length': String(size), 'content-type': 'application/octet-stream' },
      body: Readable.toWeb(createReadStream(path)) as ReadableStream,
      duplex: 'half',
    } as RequestInit);
    if (!response.ok) {
      const { error } = (await response.json().catch(() => ({}))) as {
        error?: { code: string; message: string; hint: string | null };
      };
      throw new ApiError(
        error?.message ?? `upload answered ${response.status}`,
        error?.code ?? 'INTERNAL',
        error?.hint ?? null,
      );
    }
  }

  /** Yields what a subscription sends until the server completes it. */
  async *subscribe<T>(document: string, variables: Record<string, unknown>): AsyncGenerator<T> {
    const socket = createClient({
      url: this.endpoint.replace(/^http/, 'ws'),
      webSocketImpl: WebSocket,
      connectionParams: { authorization: `Bearer ${this.credential}` },
      retryAttempts: 5,
    });
    try {
      for await (const message of socket.iterate<T>({ query: document, variables })) {
        const error = message.errors?.[0];
        if (error)
          throw new ApiError(
            error.message,
            typeof error.extensions?.code === 'string' ? error.extensions.code : 'INTERNAL',
            null,
          );
        if (message.data) yield message.data;
      }
    } finally {
      await socket.dispose();
    }
  }
}
