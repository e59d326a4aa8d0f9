/** A profile task without a platform: its files are paths on this machine. */
import { createHash } from 'node:crypto';
import { copyFileSync, createReadStream, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { ProfilePayload, Sha256 } from '../contracts';
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

/** A regression of `y` on the columns of the CSV at `csv`, a fifth held out, unless said otherwise. */
export const profilePayload = (
  csv: string,
  sealed: string,
  different: Partial<ProfilePayload> = {},
): ProfilePayload => ({
  kind: 'profile',
  datasetVersionId: '019a0000-0000-7000-8000-000000000001' as ProfilePayload['datasetVersionId'],
  source: { url: csv, sha256: null, sizeBytes: null },
  format: 'csv',
  target: 'y',
  task: 'regression',
  holdout: null,
  holdoutFraction: 0.2,
  salt: 'bench',
  sealed: { url: sealed, key: 'sealed' },
  ...different,
});

const sha256 = async (path: string): Promise<Sha256> => {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex') as Sha256;
};
