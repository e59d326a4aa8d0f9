import { createReadStream, existsSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Sha256 } from '../../../contracts';
import { objectKey, openObjectStore } from '../../platform/object-store';
import { StartError } from '../data-folder';
import { startEmbedded } from '../platform';
import { BackupManifest, countsOf, MANIFEST } from './manifest';
import type { BackupCounts } from './manifest';
import { reach } from './reach';
import { loadTables } from './tables';

export interface RestoreOptions {
  readonly from: string;
  /** The new data folder: must not exist, or be empty. */
  readonly dataDir: string;
  readonly env: NodeJS.ProcessEnv;
}

/** Makes a data folder from a backup. Everything is verified; a damaged backup is refused. */
export const restore = async ({ from, dataDir, env }: RestoreOptions): Promise<BackupCounts> => {
  const parsed = BackupManifest.safeParse(
    JSON.parse(
      await readFile(join(from, MANIFEST), 'utf8').catch((cause: unknown) => {
        throw new StartError(`${from} is not a backup: ${MANIFEST} cannot be read`, { cause });
      }),
    ),
  );
  if (!parsed.success) throw new StartError(`${from} is not a backup that this release understands`);
  const manifest = parsed.data;
  if (existsSync(dataDir) && readdirSync(dataDir).length > 0) {
    throw new StartError(`${dataDir} is not empty; a backup is restored into a new folder`);
  }
  const platform = await startEmbedded({ dataDir, port: 0, env, tell: () => undefined });
  try {
    const { superuserUrl, objectStoreUrl } = await reach(dataDir, env);
    const store = await openObjectStore(objectStoreUrl);
    for (const object of manifest.objects) {
      const path = join(from, 'objects', object.key);
      if (!existsSync(path)) throw new StartError(`the backup is damaged: ${path} is missing`);
      await store.put(objectKey(object.key), createReadStream(path), {
        maxBytes: object.sizeBytes,
        sha256: object.sha256 as Sha256,
      });
    }
    await store.close();
    await loadTables(superuserUrl, join(from, 'tables'), manifest);
    // The people and keys of the backup are there: a first start must not make others.
    platform.data.remember({ bootstrapped: true });
  } finally {
    await platform.stop();
  }
  return countsOf(manifest);
};
