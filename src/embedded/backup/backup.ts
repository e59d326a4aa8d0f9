import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Client } from 'pg';
import { STREAMS } from '../../../contracts';
import { createLogger } from '../../platform/log';
import { Messaging } from '../../platform/messaging';
import { objectKey, openObjectStore } from '../../platform/object-store';
import type { ObjectStore } from '../../platform/object-store';
import { LEDGER } from '../../usage';
import { countsOf, MANIFEST } from './manifest';
import type { BackupCounts, BackupManifest } from './manifest';
import { reach } from './reach';
import { dumpTables } from './tables';

const DRAIN_MS = 60_000;

/** Usage that JetStream has and the ledger has not belongs to the backup too. */
const drainUsage = async (natsUrl: string): Promise<void> => {
  const messaging = await Messaging.connect(natsUrl, 'backup', createLogger('backup', 'silent'));
  try {
    const deadline = Date.now() + DRAIN_MS;
    for (;;) {
      const { pending, inHand } = await messaging.backlog(STREAMS.usage.name, LEDGER);
      if (pending + inHand === 0) return;
      if (Date.now() > deadline)
        throw new Error(
          `${pending + inHand} usage messages are not in the ledger after ${DRAIN_MS / 1000} s`,
        );
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  } finally {
    await messaging.close();
  }
};

interface RetainedObject {
  readonly key: string;
  readonly sha256: string;
  readonly sizeBytes: number;
}

/** Objects that somebody refers to; read after the tables, so that none of theirs is missing. */
const retained = async (superuserUrl: string): Promise<RetainedObject[]> => {
  const client = new Client({ connectionString: superuserUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ key: string; sha256: string; size_bytes: string }>(
      "select key, sha256, size_bytes::text from app.stored_object where state = 'RETAINED' order by key",
    );
    return rows.map((row) => ({ key: row.key, sha256: row.sha256, sizeBytes: Number(row.size_bytes) }));
  } finally {
    await client.end();
  }
};

const copyObject = async (store: ObjectStore, object: RetainedObject, out: string): Promise<void> => {
  const path = join(out, 'objects', object.key);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const hash = createHash('sha256');
  const hashing = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  await pipeline(await store.get(objectKey(object.key)), hashing, createWriteStream(path, { mode: 0o600 }));
  if (hash.digest('hex') !== object.sha256)
    throw new Error(`the stored object ${object.key} is damaged: its sha-256 is not the recorded one`);
};

export interface BackupOptions {
  readonly dataDir: string;
  /** Must not exist; appears when the backup is complete. */
  readonly out: string;
  readonly env: NodeJS.ProcessEnv;
}

/** One snapshot of every table and a copy of every object, verified on the way. */
export const backUp = async ({ dataDir, out, env }: BackupOptions): Promise<BackupCounts> => {
  const partial = `${out}.partial`;
  await mkdir(partial, { recursive: true, mode: 0o700 });
  try {
    await rm(join(partial, MANIFEST), { force: true });
    const platform = await reach(dataDir, env);
    let manifest: BackupManifest;
    try {
      await drainUsage(platform.natsUrl);
      const dump = await dumpTables(platform.superuserUrl, join(partial, 'tables'));
      const objects = await retained(platform.superuserUrl);
      const store = await openObjectStore(platform.objectStoreUrl);
      for (const object of objects) await copyObject(store, object, partial);
      await store.close();
      manifest = {
        v: 1,
        createdAt: new Date().toISOString(),
        migrations: [...dump.migrations],
        tables: dump.tables.map((table) => ({ ...table, columns: [...table.columns] })),
        sequences: [...dump.sequences],
        objects,
      };
    } finally {
      await platform.close();
    }
    await writeFile(join(partial, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600 });
    await rename(partial, out);
    return countsOf(manifest);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
};
