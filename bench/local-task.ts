/** A profile task without a platform: its files are paths on this machine. */
import { createHash } from 'node:crypto';
import { copyFileSync, createReadStream, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Sha256 } from '../contracts';
import { profilePayload as rehearsed } from '../gpu-worker/child/rehearsal';
import type { TaskIo } from '../gpu-worker/task-io';

/** Sources and sinks are paths. */
export const localIo = (scratchDir: string): TaskIo => ({
  scratchDir,
  signal: new AbortController().signal,
  fetch: (source, name) => {
    const path = join(scratchDir, name);
    copyFileSync(source.url, path);
    return Promise.resolve(path);
  },
  store: async (sink, content) => {
    if ('path' in content) copyFileSync(content.path, sink.url);
    else writeFileSync(sink.url, content.bytes);
    return { key: sink.key, sha256: await sha256(sink.url), sizeBytes: statSync(sink.url).size };
  },
  progress: () => undefined,
});

/** As `rehearsed` says, but held out by the salt that every recorded figure was measured with. */
export const profilePayload: typeof rehearsed = (csv, sealed, different) =>
  rehearsed(csv, sealed, { salt: 'bench', ...different });

const sha256 = async (path: string): Promise<Sha256> => {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex') as Sha256;
};
