/**
 * Which objects exist and why, in the database, so that they come and go with the transactions that need them: an
 * object is minted before its first byte, stored by an upload, retained by whoever refers to it, and doomed when nobody
 * does. What is doomed, or never retained in time, is deleted; a crash at any point leaves nothing behind.
 */
import { Failure } from '../../../contracts';
import type { Sha256, StoredFile, TaskId, TenantId } from '../../../contracts';
import { afterCommit } from '../database';
import type { Database, Scoped, TenantTx } from '../database';
import type { Logger } from '../log';
import { mintKey, objectKey } from './key';
import type { ObjectKey, ObjectKind } from './key';
import type { ObjectStore, StoredObject } from './object-store';

export const OBJECT_STATES = ['MINTED', 'STORED', 'RETAINED', 'DOOMED'] as const;
export type ObjectState = (typeof OBJECT_STATES)[number];

interface Row {
  state: ObjectState;
  sha256: Sha256 | null;
  size_bytes: string | null;
}

export class ObjectCatalogue {
  private timer: NodeJS.Timeout | undefined;
  private sweeping: Promise<void> = Promise.resolve();

  constructor(
    private readonly db: Database,
    private readonly store: ObjectStore,
    private readonly log: Logger,
  ) {}

  /** Reserves a key. Whatever is stored there and not retained within `ttlMs` is deleted. */
  async mint(
    tx: TenantTx,
    tenantId: TenantId,
    kind: ObjectKind,
    options: { ttlMs: number; taskId?: TaskId },
  ): Promise<ObjectKey> {
    const key = mintKey(tenantId, kind);
    await tx.query(
      `insert into app.stored_object (tenant_id, key, kind, task_id, expires_at)
       values ($1, $2, $3, $4, now() + $5 * interval '1 millisecond')`,
      [tenantId, key, kind, options.taskId ?? null, options.ttlMs],
    );
    return key;
  }

  /** As `mint`, committed at once: for a file that is written before the caller's transaction ends. */
  mintOutside(scope: Scoped, kind: ObjectKind, options: { ttlMs: number }): Promise<ObjectKey> {
    return this.db.within(scope, (tx) => this.mint(tx, scope.tenantId, kind, options));
  }

  async find(
    tx: TenantTx,
    key: ObjectKey,
  ): Promise<{ state: ObjectState; stored: StoredObject | null } | null> {
    const [row] = await tx.query<Row[]>(
      'select state, sha256, size_bytes from app.stored_object where key = $1',
      [key],
    );
    if (row === undefined) return null;
    const stored =
      row.sha256 === null || row.size_bytes === null
        ? null
        : { sha256: row.sha256, sizeBytes: Number(row.size_bytes) };
    return { state: row.state, stored };
  }

  /** The newest file of a kind that attempts of a task have stored. */
  async newestOf(tx: TenantTx, taskId: TaskId, kind: ObjectKind): Promise<StoredFile | null> {
    const [row] = await tx.query<{ key: ObjectKey; sha256: Sha256; size_bytes: string }[]>(
      `select key, sha256, size_bytes from app.stored_object
        where task_id = $1 and kind = $2 and state = 'STORED' order by created_at desc, key desc limit 1`,
      [taskId, kind],
    );
    return row === undefined ? null : { key: row.key, sha256: row.sha256, sizeBytes: Number(row.size_bytes) };
  }

  /** Lets a task's files of a kind go, all but one; those not stored yet are refused when they come. */
  async doomOthers(tx: TenantTx, taskId: TaskId, kind: ObjectKind, kept: string | null): Promise<void> {
    const [, doomed] = await tx.query<[unknown[], number]>(
      `update app.stored_object set state = 'DOOMED'
        where task_id = $1 and kind = $2 and state in ('MINTED', 'STORED') and key is distinct from $3`,
      [taskId, kind, kept],
    );
    if (doomed > 0) afterCommit(tx, () => this.sweepSoon());
  }

  /** False when the key is not waiting for an upload any more. */
  async markStored(tx: TenantTx, key: ObjectKey, stored: StoredObject): Promise<boolean> {
    const rows = await tx.query<[unknown[], number]>(
      `update app.stored_object set state = 'STORED', sha256 = $2, size_bytes = $3
        where key = $1 and state = 'MINTED' returning key`,
      [key, stored.sha256, stored.sizeBytes],
    );
    return rows[1] === 1;
  }

  /** Keeps an object until it is doomed. Fails with CHECKSUM_MISMATCH when it is not the file that was announced. */
  async retain(tx: TenantTx, file: StoredFile): Promise<ObjectKey> {
    const key = objectKey(file.key);
    const rows = await tx.query<[unknown[], number]>(
      `update app.stored_object set state = 'RETAINED', expires_at = null
        where key = $1 and state in ('STORED', 'RETAINED') and sha256 = $2 and size_bytes = $3 returning key`,
      [key, file.sha256, file.sizeBytes],
    );
    if (rows[1] !== 1)
      throw new Failure('CHECKSUM_MISMATCH', 'a result names a file that was not stored as such');
    return key;
  }

  /** Lets objects go when `tx` commits; their bytes are deleted right after. */
  async doom(tx: TenantTx, keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return;
    await tx.query(`update app.stored_object set state = 'DOOMED' where key = any($1::text[])`, [keys]);
    afterCommit(tx, () => this.sweepSoon());
  }

  /** What attempts of a task wrote and nobody retained: the losers' files, and a failed task's. */
  async doomLeftovers(tx: TenantTx, taskId: TaskId): Promise<void> {
    await tx.query(
      `update app.stored_object set state = 'DOOMED' where task_id = $1 and state in ('MINTED', 'STORED')`,
      [taskId],
    );
    afterCommit(tx, () => this.sweepSoon());
  }

  start(intervalMs = 60_000): void {
    this.timer = setInterval(() => this.sweepSoon(), intervalMs);
    this.timer.unref();
  }
  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.sweeping;
  }
  private sweepSoon(): void {
    this.sweeping = this.sweeping
      .then(() => this.sweep())
      .then(() => undefined)
      .catch((error: unknown) => this.log.warn({ err: error }, 'object sweep will try again'));
  }

  /** Deletes doomed and overdue objects; returns how many. The row goes last: a crash in between repeats a deletion. */
  async sweep(): Promise<number> {
    const doomed = await this.db.asPlatform('delete objects that nothing refers to', async (tx) => {
      const [rows] = await tx.query<[{ tenant_id: TenantId; key: ObjectKey }[], number]>(
        `update app.stored_object set state = 'DOOMED'
          where state = 'DOOMED' or (state in ('MINTED', 'STORED') and expires_at < now())
          returning tenant_id, key`,
      );
      return rows;
    });
    for (const row of doomed) {
      await this.store.delete(row.key);
      const scope: Scoped = { tenantId: row.tenant_id };
      await this.db.within(scope, (tx) =>
        tx.query(`delete from app.stored_object where key = $1 and state = 'DOOMED'`, [row.key]),
      );
    }
    return doomed.length;
  }
}
