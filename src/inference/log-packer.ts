import { Readable } from 'node:stream';
import type { Consumed, PackPayload, PackResult, ScenarioId, TenantId } from '../../contracts';
import type { Database, Scoped, TenantTx } from '../platform/database';
import { newId } from '../platform/ids';
import type { Logger } from '../platform/log';
import type { ObjectCatalogue, ObjectKey, ObjectStore, SignedUrls } from '../platform/object-store';
import type { Task, TaskHandler, TaskQueue } from '../platform/task';
import type { Usage } from '../usage';
import type { Answer } from './answers';
import type { RawRow } from './rows';

export interface LogPackerParts {
  readonly db: Database;
  readonly store: ObjectStore;
  readonly catalogue: ObjectCatalogue;
  readonly signedUrls: SignedUrls;
  readonly tasks: TaskQueue;
  readonly usage: Usage;
  readonly log: Logger;
}

export interface PackPolicy {
  /** Pack a scenario's predictions when so many wait, or the oldest has waited so long. */
  readonly atPredictions: number;
  readonly atAgeMs: number;
  readonly sweepMs: number;
}

const POLICY: PackPolicy = { atPredictions: 20_000, atAgeMs: 6 * 3_600_000, sweepMs: 60_000 };
const TTL_MS = 3_600_000;
const MAX_AT_ONCE = 20_000;
const MAX_BYTES = 64 * 1024 * 1024;
const MAX_PACKED_BYTES = 256 * 1024 * 1024;

interface LogRow {
  id: string;
  first_row: number;
  deployment_id: string;
  model_version_id: string;
  at: Date;
  rows: RawRow[];
  outputs: Answer[];
}

/**
 * The prediction log as the tenant's own Parquet files, made by worker tasks from JSON lines, and its end: what is older
 * than the scenario's retention goes, rows and files.
 */
export class LogPacker implements TaskHandler<'pack'> {
  readonly kind = 'pack';
  private timer: NodeJS.Timeout | undefined;
  private sweeping: Promise<void> = Promise.resolve();

  constructor(
    private readonly parts: LogPackerParts,
    private readonly policy: PackPolicy = POLICY,
  ) {}

  start(): void {
    this.timer = setInterval(() => {
      this.sweeping = this.sweeping.then(() => this.sweep());
    }, this.policy.sweepMs);
    this.timer.unref();
  }
  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.sweeping;
  }

  /** One round over all tenants: packs what is due, deletes what has had its time. */
  async sweep(): Promise<void> {
    const { db, log } = this.parts;
    try {
      const due = await db.asPlatform('prediction log', (tx) =>
        tx.query<{ tenant_id: TenantId; scenario_id: ScenarioId; due: boolean }[]>(
          `select tenant_id, scenario_id,
             count(*) filter (where pack_id is null) >= $1
               or min(at) filter (where pack_id is null) < now() - $2 * interval '1 millisecond' as due
           from app.prediction group by 1, 2`,
          [this.policy.atPredictions, this.policy.atAgeMs],
        ),
      );
      for (const { tenant_id: tenantId, scenario_id: scenarioId, due: isDue } of due) {
        await db.within({ tenantId }, (tx) => this.forget(tx, scenarioId));
        if (isDue) await this.pack({ tenantId }, scenarioId);
      }
    } catch (error) {
      log.warn({ err: error }, 'the prediction log will be swept again');
    }
  }

  /** Writes waiting predictions of a scenario as JSON lines and asks a worker for the Parquet file. */
  async pack(scope: Scoped, scenarioId: ScenarioId): Promise<void> {
    const { db, store, catalogue, tasks } = this.parts;
    const begun = await db.within(scope, async (tx) => {
      const waiting = await tx.query<LogRow[]>(
        `select id, first_row, deployment_id, model_version_id, at, rows, outputs from app.prediction
         where scenario_id = $1 and pack_id is null order by at, id, first_row limit $2`,
        [scenarioId, MAX_AT_ONCE],
      );
      if (waiting.length === 0) return null;
      return { ...linesOf(waiting), key: await catalogue.mint(tx, scope.tenantId, 'log', { ttlMs: TTL_MS }) };
    });
    if (begun === null) return;
    const { key, taken, lines, rows } = begun;
    const stored = await store.put(key, Readable.from([lines]), { maxBytes: lines.length });
    await db.within(scope, async (tx) => {
      await catalogue.markStored(tx, key, stored);
      await catalogue.retain(tx, { key, ...stored });
      const id = newId();
      await tx.query(
        `insert into app.prediction_pack
           (tenant_id, id, scenario_id, rows_key, rows_sha256, rows_bytes, rows, first_at, last_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
        [
          scope.tenantId,
          id,
          scenarioId,
          key,
          stored.sha256,
          stored.sizeBytes,
          rows,
          taken[0]?.at,
          taken.at(-1)?.at,
        ],
      );
      const [, count] = await tx.query<[unknown, number]>(
        `update app.prediction p set pack_id = $1
         from unnest($2::uuid[], $3::int[]) as t (id, first_row)
         where p.id = t.id and p.first_row = t.first_row and p.pack_id is null`,
        [id, taken.map((row) => row.id), taken.map((row) => row.first_row)],
      );
      // Another gateway packed some of them meanwhile: this try leaves nothing behind.
      if (count !== taken.length) throw new Error('the predictions were packed by another gateway');
      await tasks.enqueue(tx, { kind: 'pack', ownerId: id, scenarioId });
    });
  }

  async payload(tx: TenantTx, task: Task): Promise<PackPayload> {
    const { catalogue, signedUrls } = this.parts;
    const [row] = await tx.query<
      { rows_key: ObjectKey; rows_sha256: PackPayload['rows']['sha256']; rows_bytes: string }[]
    >('select rows_key, rows_sha256, rows_bytes::text from app.prediction_pack where id = $1', [
      task.ownerId,
    ]);
    if (row === undefined) throw new Error('the pack is gone');
    const key = await catalogue.mint(tx, task.tenantId, 'packed', { ttlMs: TTL_MS, taskId: task.id });
    return {
      kind: 'pack',
      rows: {
        url: signedUrls.get(row.rows_key, TTL_MS),
        sha256: row.rows_sha256,
        sizeBytes: Number(row.rows_bytes),
      },
      packed: {
        key,
        url: signedUrls.put(key, { maxBytes: MAX_PACKED_BYTES, ttlMs: TTL_MS, purpose: 'sink' }),
      },
    };
  }

  async finished(tx: TenantTx, task: Task, result: PackResult, _consumed: Consumed): Promise<void> {
    const { catalogue, usage } = this.parts;
    const key = await catalogue.retain(tx, result.packed);
    await this.endLines(tx, task.ownerId);
    await tx.query(
      `update app.prediction_pack set state = 'SEALED', packed_key = $2, packed_sha256 = $3, packed_bytes = $4
       where id = $1`,
      [task.ownerId, key, result.packed.sha256, result.packed.sizeBytes],
    );
    await usage.storageChanged(tx, {
      objectKey: key,
      bytes: result.packed.sizeBytes,
      scenarioId: task.scenarioId,
      event: 'created',
    });
  }

  async failed(tx: TenantTx, task: Task): Promise<void> {
    await this.endLines(tx, task.ownerId);
    await tx.query(`update app.prediction_pack set state = 'FAILED' where id = $1`, [task.ownerId]);
    await tx.query('update app.prediction set pack_id = null where pack_id = $1', [task.ownerId]);
  }

  canceled(tx: TenantTx, task: Task): Promise<void> {
    return this.failed(tx, task);
  }

  private async endLines(tx: TenantTx, packId: string): Promise<void> {
    const rows = await tx.query<{ rows_key: string }[]>(
      'select rows_key from app.prediction_pack where id = $1',
      [packId],
    );
    await this.parts.catalogue.doom(
      tx,
      rows.map((row) => row.rows_key),
    );
  }

  private async forget(tx: TenantTx, scenarioId: ScenarioId): Promise<void> {
    const overdue = `now() - (select log_retention_days from app.scenario where id = $1) * interval '1 day'`;
    await tx.query(`delete from app.prediction where scenario_id = $1 and at < ${overdue}`, [scenarioId]);
    const [packs] = await tx.query<[{ packed_key: string; packed_bytes: string }[], number]>(
      `delete from app.prediction_pack k where scenario_id = $1 and state = 'SEALED' and last_at < ${overdue}
         and not exists (select from app.prediction p where p.pack_id = k.id)
       returning packed_key, packed_bytes::text`,
      [scenarioId],
    );
    for (const { packed_key: objectKey, packed_bytes: bytes } of packs) {
      await this.parts.catalogue.doom(tx, [objectKey]);
      await this.parts.usage.storageChanged(tx, {
        objectKey,
        bytes: BigInt(bytes),
        scenarioId,
        event: 'deleted',
      });
    }
  }
}

/** JSON lines, one a row of a prediction, up to MAX_BYTES; which predictions are in them. */
const linesOf = (waiting: readonly LogRow[]): { taken: LogRow[]; lines: Buffer; rows: number } => {
  const chunks: Buffer[] = [];
  const taken: LogRow[] = [];
  let bytes = 0;
  let rows = 0;
  for (const prediction of waiting) {
    const lines = prediction.rows.map((values, index) => {
      const answer = prediction.outputs.at(index);
      return JSON.stringify({
        prediction_id: prediction.id,
        row: prediction.first_row + index,
        at: prediction.at.toISOString(),
        deployment_id: prediction.deployment_id,
        model_version_id: prediction.model_version_id,
        values,
        prediction: answer?.prediction ?? null,
        probabilities: answer?.probabilities ?? null,
        low: answer?.low ?? null,
        high: answer?.high ?? null,
        set: answer?.set ?? null,
        forecast: answer?.forecast ?? null,
        made: answer?.row ?? null,
      });
    });
    const chunk = Buffer.from(`${lines.join('\n')}\n`);
    if (taken.length > 0 && bytes + chunk.length > MAX_BYTES) break;
    chunks.push(chunk);
    taken.push(prediction);
    bytes += chunk.length;
    rows += lines.length;
  }
  return { taken, lines: Buffer.concat(chunks), rows };
};
