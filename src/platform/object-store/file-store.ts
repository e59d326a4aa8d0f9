import { constants, createReadStream } from 'node:fs';
import { link, mkdir, open, readdir, rename, rm, stat, unlink } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import type { Readable } from 'node:stream';
import { Failure } from '../../../contracts';
import { newId } from '../ids';
import { isObjectKey, objectKey, objectPrefix } from './key';
import type { ObjectKey } from './key';
import { MeasuredBody } from './measure';
import type { ObjectStore, PutLimit, StoredObject } from './object-store';

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;
const absent = (error: unknown): boolean => codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR';

const syncFolder = async (path: string): Promise<void> => {
  const folder = await open(path, constants.O_RDONLY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
};

/** Objects as files below one folder. A file appears under its key complete and on disk, or not at all. */
export class FileStore implements ObjectStore {
  private constructor(
    private readonly root: string,
    private readonly incoming: string,
  ) {}

  static async open(root: string): Promise<FileStore> {
    const at = resolve(root);
    const incoming = join(at, '.incoming');
    await mkdir(at, { recursive: true, mode: 0o700 });
    await mkdir(incoming, { recursive: true, mode: 0o700 });
    return new FileStore(at, incoming);
  }

  private pathOf(key: string): string {
    const path = resolve(this.root, objectKey(key));
    // The pattern of a key admits no way out; this is the second lock on the same door.
    if (!path.startsWith(this.root + sep))
      throw new Failure('BAD_INPUT', 'not an object key of this platform');
    return path;
  }

  async put(key: ObjectKey, body: Readable, limit: PutLimit): Promise<StoredObject> {
    const path = this.pathOf(key);
    const temporary = join(this.incoming, newId());
    const measured = new MeasuredBody(body, limit);
    const file = await open(temporary, 'wx', 0o600);
    try {
      try {
        for await (const chunk of measured) await file.writeFile(chunk);
        await file.sync();
      } finally {
        await file.close();
      }
      await this.publish(temporary, path);
      return measured.result;
    } catch (error) {
      if (codeOf(error) === 'EEXIST')
        throw new Failure('CONFLICT', 'this object is stored already', { cause: error });
      if (codeOf(error) === 'ENOSPC')
        throw new Failure('UNAVAILABLE', 'the object store is full', { cause: error });
      throw error;
    } finally {
      await rm(temporary, { force: true });
    }
  }

  /** A hard link refuses to replace what is there, which a rename would do silently. */
  private async publish(temporary: string, path: string): Promise<void> {
    const folder = dirname(path);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    try {
      await link(temporary, path);
    } catch (error) {
      if (codeOf(error) !== 'EPERM' && codeOf(error) !== 'ENOTSUP') throw error;
      // A file system without hard links: look, then rename.
      if (await stat(path).catch(() => null)) throw Object.assign(new Error('exists'), { code: 'EEXIST' });
      await rename(temporary, path);
    }
    await syncFolder(folder);
  }

  async get(key: ObjectKey): Promise<Readable> {
    const path = this.pathOf(key);
    try {
      const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
      return createReadStream(path, { fd: file, highWaterMark: 256 * 1024 });
    } catch (error) {
      if (absent(error)) throw new Failure('NOT_FOUND', 'this object is not stored', { cause: error });
      throw error;
    }
  }

  async head(key: ObjectKey): Promise<{ sizeBytes: number } | null> {
    try {
      return { sizeBytes: (await stat(this.pathOf(key))).size };
    } catch (error) {
      if (absent(error)) return null;
      throw error;
    }
  }

  async delete(key: ObjectKey): Promise<void> {
    await unlink(this.pathOf(key)).catch((error: unknown) => {
      if (!absent(error)) throw error;
    });
  }

  async deletePrefix(prefix: string): Promise<number> {
    let count = 0;
    for await (const key of this.list(prefix)) {
      await this.delete(key);
      count += 1;
    }
    return count;
  }

  async *list(prefix: string): AsyncIterable<ObjectKey> {
    const folder = join(this.root, objectPrefix(prefix));
    const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(
      (error: unknown) => {
        if (absent(error)) return [];
        throw error;
      },
    );
    for (const entry of entries) {
      if (!entry.isFile()) continue;
      const key = join(entry.parentPath, entry.name)
        .slice(this.root.length + 1)
        .split(sep)
        .join('/');
      if (isObjectKey(key)) yield key;
    }
  }

  async close(): Promise<void> {}
}
