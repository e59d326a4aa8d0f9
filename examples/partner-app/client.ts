/** All that a partner needs: three small functions over HTTP, typed by the generated operations. */
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { documents } from './generated/api';
import type { Operations } from './generated/api';

type Name = keyof Operations;
type Variables<N extends Name> = Operations[N]['variables'];
type Data<N extends Name> = Operations[N]['data'];

interface Answer<T> {
  readonly data?: T | null;
  readonly errors?: readonly { message: string; extensions?: { code?: string; hint?: string } }[];
}

/** What the platform refused: a code of docs/errors.md, and often what to do about it. */
export class Refused extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly hint?: string | null,
  ) {
    super(`${code}: ${message}${hint ? ` (${hint})` : ''}`);
  }
}

const dataOf = <T>({ data, errors }: Answer<T>): T => {
  const error = errors?.[0];
  if (error) throw new Refused(error.extensions?.code ?? 'INTERNAL', error.message, error.extensions?.hint);
  if (data == null) throw new Refused('INTERNAL', 'an answer without data');
  return data;
};

export class Client {
  /** `url` is where the platform is, e.g. http://127.0.0.1:4000. */
  constructor(
    private readonly url: string,
    private readonly key: string,
  ) {}

  /** A mutation with the same `idempotencyKey` has one effect, however often it is sent. */
  async run<N extends Name>(name: N, variables: Variables<N>, idempotencyKey?: string): Promise<Data<N>> {
    const response = await fetch(`${this.url}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${this.key}`,
        ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
      },
      body: JSON.stringify({ query: documents[name], variables }),
    });
    return dataOf((await response.json()) as Answer<Data<N>>);
  }

  /** Yields until the server says that there is nothing more to come. */
  async *follow<N extends Name>(name: N, variables: Variables<N>): AsyncGenerator<Data<N>> {
    const socket = createClient({
      url: `${this.url.replace(/^http/, 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: { authorization: `Bearer ${this.key}` },
    });
    try {
      const document = { query: documents[name], variables };
      for await (const answer of socket.iterate<Data<N>>(document)) yield dataOf(answer as Answer<Data<N>>);
    } finally {
      await socket.dispose();
    }
  }
}

/** Sends the bytes to the signed URL that a declaration gave. */
export const upload = async (url: string, bytes: Buffer): Promise<void> => {
  const response = await fetch(url, { method: 'PUT', body: new Uint8Array(bytes) });
  if (response.ok) return;
  const { error } = (await response.json()) as {
    error: { code: string; message: string; hint: string | null };
  };
  throw new Refused(error.code, error.message, error.hint);
};
