import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Failure } from '../../../contracts';
import type { StoredFile, TenantId } from '../../../contracts';

/** What a runner needs to know of a model version: its file. Sessions and files are keyed by tenant and content. */
export interface ServedFile {
  readonly tenantId: TenantId;
  readonly onnx: StoredFile;
}
export const fileKey = ({ tenantId, onnx }: ServedFile): string => `${tenantId}.${onnx.sha256}`;

/** Reads from the object store. */
export type OpenFile = (key: string) => Promise<Readable>;

/**
 * Local copies of model files, checked against the registry's sha-256 once when fetched, bounded in bytes. A runner
 * that is replaced, or a second one, loads from here within milliseconds, store or no store.
 */
export class ModelFiles {
  /** Least recently used first. */
  private readonly present = new Map<string, number>();
  private readonly fetching = new Map<string, Promise<string>>();

  constructor(
    private readonly folder: string,
    private readonly open: OpenFile,
    private readonly maxBytes: number,
  ) {}

  /** Path of the local copy. Fails with MODEL_FAILED when the store's file is not the one that was registered. */
  async path(file: ServedFile): Promise<string> {
    const key = fileKey(file);
    const path = join(this.folder, `${key}.onnx`);
    const bytes = this.present.get(key);
    if (bytes !== undefined) {
      this.present.delete(key);
      this.present.set(key, bytes);
      return path;
    }
    let fetching = this.fetching.get(key);
    if (!fetching) {
      fetching = this.fetch(file, path).finally(() => this.fetching.delete(key));
      this.fetching.set(key, fetching);
    }
    return fetching;
  }

  private async fetch(file: ServedFile, path: string): Promise<string> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    const hash = createHash('sha256');
    let size = 0;
    const measure = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        size += chunk.length;
        hash.update(chunk);
        done(size > file.onnx.sizeBytes ? new Error('longer than registered') : null, chunk);
      },
    });
    const partial = `${path}.part`;
    try {
      await pipeline(await this.open(file.onnx.key), measure, createWriteStream(partial, { mode: 0o600 }));
      if (size !== file.onnx.sizeBytes || hash.digest('hex') !== file.onnx.sha256)
        throw new Error('not the registered file');
      await rename(partial, path);
    } catch (error) {
      await rm(partial, { force: true });
      throw new Failure('MODEL_FAILED', 'the model file could not be read as it was registered', {
        cause: error,
      });
    }
    await this.makeRoom(size);
    this.present.set(fileKey(file), size);
    return path;
  }

  private async makeRoom(bytes: number): Promise<void> {
    let sum = bytes;
    for (const size of this.present.values()) sum += size;
    for (const [key, size] of this.present) {
      if (sum <= this.maxBytes) return;
      this.present.delete(key);
      sum -= size;
      await rm(join(this.folder, `${key}.onnx`), { force: true });
    }
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.fetching.values());
    await rm(this.folder, { recursive: true, force: true });
  }
}
