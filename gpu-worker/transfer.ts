/** Files by signed URL: streamed, checked, and tried again when the network or the store fails. */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { Failure, Sha256 } from '../contracts';
import type { Sink, Source } from '../contracts';

const ATTEMPTS = 6;
const FIRST_DELAY_MS = 100;
/** A connection that moves no byte for this long is given up. */
const STALL_MS = 30_000;
const MAX_ANSWER_BYTES = 64 * 1024;

const StoredAnswer = z.object({ key: z.string(), sha256: Sha256, sizeBytes: z.number().int() });
export type StoredAnswer = z.infer<typeof StoredAnswer>;

/** Worth another attempt: the connection broke, or the other side is short of something. */
class Interrupted extends Error {}

/** Never shows a URL: its token is a credential. */
const refused = (what: string, status: number): Error =>
  status >= 500 || status === 408 || status === 425 || status === 429
    ? new Interrupted(`${what}: HTTP ${status}`)
    : new Failure('UNAVAILABLE', `${what} was refused by the file store (HTTP ${status})`);

async function persist<T>(what: string, signal: AbortSignal, attempt: () => Promise<T>): Promise<T> {
  for (let tried = 1; ; tried++) {
    signal.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      if (error instanceof Failure || signal.aborted) throw error;
      if (tried >= ATTEMPTS) {
        throw new Failure('UNAVAILABLE', `${what} failed ${ATTEMPTS} times`, { cause: error });
      }
      const ceilingMs = FIRST_DELAY_MS * 2 ** tried;
      await sleep(ceilingMs / 2 + Math.random() * (ceilingMs / 2), undefined, { signal });
    }
  }
}

const open = (
  url: string,
  options: http.RequestOptions,
  body: Readable | null,
): Promise<http.IncomingMessage> =>
  new Promise((resolve, reject) => {
    const transport = url.startsWith('https:') ? https : http;
    const request = transport.request(url, { ...options, agent: false }, resolve);
    request.setTimeout(STALL_MS, () => request.destroy(new Interrupted('the connection stalled')));
    request.on('error', reject);
    if (body === null) request.end();
    else pipeline(body, request).catch(reject);
  });

/**
 * Downloads to `path`. Fails with DATASET_CHANGED when size or sha-256 differ from what the source says, with
 * UNAVAILABLE when the store cannot be reached or refuses the link.
 */
export async function download(source: Source, path: string, signal: AbortSignal): Promise<void> {
  const part = `${path}.part`;
  await persist('a download', signal, async () => {
    const answer = await open(source.url, { method: 'GET', signal }, null);
    if (answer.statusCode !== 200) {
      answer.resume();
      throw refused('a download', answer.statusCode ?? 0);
    }
    const declared = answer.headers['content-length'];
    const hash = createHash('sha256');
    let sizeBytes = 0;
    const measure = new Transform({
      transform(chunk: Buffer, _encoding, next) {
        sizeBytes += chunk.length;
        if (source.sizeBytes !== null && sizeBytes > source.sizeBytes) return next(changed('size'));
        if (source.sha256 !== null) hash.update(chunk);
        next(null, chunk);
      },
    });
    await pipeline(answer, measure, createWriteStream(part), { signal });
    if (declared !== undefined && sizeBytes !== Number(declared)) throw new Interrupted('cut off');
    if (source.sizeBytes !== null && sizeBytes !== source.sizeBytes) throw changed('size');
    if (source.sha256 !== null && hash.digest('hex') !== source.sha256) throw changed('sha-256');
  }).catch(async (error: unknown) => {
    await rm(part, { force: true });
    throw error;
  });
  await rename(part, path);
}

const changed = (what: string): Failure =>
  new Failure('DATASET_CHANGED', `the stored file no longer has the recorded ${what}`);

async function sha256OfFile(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash, { signal });
  return hash.digest('hex');
}

export type Content = { readonly path: string } | { readonly bytes: Uint8Array };

/** Uploads; resolves with the store's own answer once it agrees with what was sent. Fails with UNAVAILABLE. */
export async function upload(sink: Sink, content: Content, signal: AbortSignal): Promise<StoredAnswer> {
  const sizeBytes = 'path' in content ? (await stat(content.path)).size : content.bytes.byteLength;
  const sha256 =
    'path' in content
      ? await sha256OfFile(content.path, signal)
      : createHash('sha256').update(content.bytes).digest('hex');
  return persist('an upload', signal, async () => {
    const body = 'path' in content ? createReadStream(content.path) : Readable.from(chunks(content.bytes));
    const answer = await open(
      sink.url,
      {
        method: 'PUT',
        signal,
        headers: {
          'content-type': 'application/octet-stream',
          'content-length': sizeBytes,
          'x-content-sha256': sha256,
        },
      },
      body,
    ).finally(() => body.destroy());
    const text = await readText(answer);
    if (answer.statusCode !== 200 && answer.statusCode !== 201) {
      throw refused('an upload', answer.statusCode ?? 0);
    }
    const stored = StoredAnswer.parse(JSON.parse(text));
    if (stored.sha256 !== sha256 || stored.sizeBytes !== sizeBytes) {
      throw new Failure('UNAVAILABLE', 'the file store kept other bytes than were sent');
    }
    return stored;
  });
}

function* chunks(bytes: Uint8Array): Generator<Uint8Array> {
  const size = 256 * 1024;
  for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size);
}

async function readText(answer: http.IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of answer as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > MAX_ANSWER_BYTES) throw new Interrupted('the answer is too long');
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}
