/** Runs the profile task on bytes or a file, with a folder in place of the gateway's signed URLs. */
import { createHash } from 'node:crypto';
import { copyFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DataFormat, ProfilePayload, ProfileResult, Sha256 } from '../../../contracts';
import type { TaskIo } from '../../task-io';
import { readSealed, runProfile } from '..';
import type { Table } from '..';

export interface Profiled {
  readonly result: ProfileResult;
  readonly table: Table;
}

const payload = (path: string, target: string | null, overrides: Partial<ProfilePayload>): ProfilePayload =>
  ({
    kind: 'profile',
    datasetVersionId: '019a0000-0000-7000-8000-000000000001',
    source: { url: path, sha256: null, sizeBytes: null },
    format: 'csv',
    target,
    task: null,
    holdout: null,
    holdoutFraction: 0.2,
    salt: 'salt',
    sealed: { url: 'sealed', key: 'sealed' },
    ...overrides,
  }) as ProfilePayload;

/** Answers the result and the sealed table; the promise rejects with the task's failure and leaves nothing stored. */
export const profileFile = async (
  path: string,
  target: string | null,
  overrides: Partial<ProfilePayload> = {},
): Promise<Profiled> => {
  const scratchDir = await mkdtemp(join(tmpdir(), 'modelmint-profile-'));
  const store = await mkdtemp(join(tmpdir(), 'modelmint-store-'));
  const io: TaskIo = {
    scratchDir,
    signal: new AbortController().signal,
    fetch: async (source, name) => {
      await copyFile(source.url, join(scratchDir, name));
      return join(scratchDir, name);
    },
    store: async (sink, content) => {
      const bytes = 'path' in content ? await readFile(content.path) : content.bytes;
      const stored = join(store, sink.key);
      await writeFile(stored, bytes);
      const sha256 = createHash('sha256').update(bytes).digest('hex') as Sha256;
      return { key: sink.key, sha256, sizeBytes: (await stat(stored)).size };
    },
    progress: () => undefined,
  };
  try {
    const result = await runProfile(payload(path, target, overrides), io);
    return { result, table: await readSealed(join(store, 'sealed'), result.columns) };
  } catch (error) {
    if ((await readdir(store)).length > 0)
      throw new Error('a failed profile stored something', { cause: error });
    throw error;
  } finally {
    await rm(scratchDir, { recursive: true });
    await rm(store, { recursive: true });
  }
};

export const profileBytes = async (
  bytes: string | Uint8Array,
  target: string | null = 'y',
  overrides: Partial<ProfilePayload> = {},
): Promise<Profiled> => {
  const folder = await mkdtemp(join(tmpdir(), 'modelmint-upload-'));
  try {
    const path = join(folder, `upload.${overrides.format ?? ('csv' satisfies DataFormat)}`);
    await writeFile(path, bytes);
    return await profileFile(path, target, overrides);
  } finally {
    await rm(folder, { recursive: true });
  }
};
