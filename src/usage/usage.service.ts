import { Failure } from '../../contracts';
import type {
  DeploymentId,
  JobId,
  Meter,
  ModelVersionId,
  ScenarioId,
  UsageEvent,
  UsageEventId,
  UsageKind,
  UsageReason,
} from '../../contracts';
import type { Clock } from '../platform/clock';
import type { TenantContext } from '../platform/context';
import type { Database, TenantTx } from '../platform/database';
import { newId } from '../platform/ids';
import { requireScenario } from '../scenario';
import { dayOf, foldUsage, spansOf } from './fold';
import type { FoldedUsage, Span } from './fold';
import { scenarioOf, takeEvents } from './ledger';

/** What a feature reports in the transaction of the thing itself. */
export interface UsageRecord {
  readonly kind: UsageKind;
  /** Unique for ever within tenant and kind, e.g. `<taskId>:<attempt>`. */
  readonly key: string;
  readonly quantities?: Partial<Record<Meter, bigint | string>>;
  /** Storage only: by how much what is stored grew or shrank. */
  readonly bytesDelta?: bigint;
  readonly reason: UsageReason;
  readonly scenarioId?: ScenarioId | null;
  readonly deploymentId?: DeploymentId | null;
  readonly modelVersionId?: ModelVersionId | null;
  readonly jobId?: JobId | null;
  readonly at?: Date;
}

export interface StorageChange {
  readonly objectKey: string;
  readonly bytes: number | bigint;
  readonly scenarioId?: ScenarioId | null;
  readonly event: 'created' | 'deleted';
}

export interface UsageDay {
  readonly day: string;
  readonly scenarioId: ScenarioId | null;
  readonly meter: Meter;
  readonly reason: UsageReason;
  readonly quantity: bigint;
  readonly events: bigint;
}

/** A period `[from, to)`, as far as it has passed. */
export interface Period {
  readonly from: Date;
  readonly to: Date;
}

const DAY_MS = 86_400_000;
const MAX_DAYS = 400;

export class Usage {
  constructor(
    private readonly db: Database,
    private readonly clock: Clock,
  ) {}

  /**
   * Counts an event in the caller's transaction: it is there exactly if the transaction commits. The same record again
   * changes nothing; another record under a used key fails with CONFLICT.
   */
  async record(tx: TenantTx, record: UsageRecord): Promise<void> {
    const [{ tid, seq }] = await tx.query<[{ tid: string; seq: string }]>(
      `select app.tid()::text as tid, nextval('app.usage_record_seq')::text as seq`,
    );
    const quantities = Object.fromEntries(
      Object.entries(record.quantities ?? {}).map(([meter, quantity]) => [meter, String(quantity)]),
    );
    const { conflicts } = await takeEvents(tx, [
      {
        id: newId<UsageEventId>(),
        tenantId: tid as UsageEvent['tenantId'],
        kind: record.kind,
        key: record.key,
        quantities,
        bytesDelta: record.bytesDelta === undefined ? null : String(record.bytesDelta),
        eventTime: (record.at ?? this.clock.now()).toISOString(),
        producer: 'transaction',
        producerSeq: seq,
        reason: record.reason,
        scenarioId: record.scenarioId ?? null,
        deploymentId: record.deploymentId ?? null,
        modelVersionId: record.modelVersionId ?? null,
        jobId: record.jobId ?? null,
        apiKeyId: null,
        reversalOf: null,
      },
    ]);
    if (conflicts.length > 0)
      throw new Failure('CONFLICT', `usage key ${record.key} is in use for something else`);
  }

  /** An object came into being or went away; from then on it is stored, or no longer. */
  async storageChanged(tx: TenantTx, change: StorageChange): Promise<void> {
    const bytes = BigInt(change.bytes);
    await this.record(tx, {
      kind: 'storage',
      key: `${change.event}:${change.objectKey}`,
      bytesDelta: change.event === 'created' ? bytes : -bytes,
      reason: 'billable',
      scenarioId: change.scenarioId ?? null,
    });
  }

  /** Sums over spans for rating; fails with BAD_INPUT when the period is not one. */
  async fold(
    ctx: TenantContext,
    spans: readonly Span[],
    scenarioId: ScenarioId | null = null,
  ): Promise<FoldedUsage[]> {
    return spans.length === 0 ? [] : this.db.within(ctx, (tx) => foldUsage(tx, spans, scenarioId));
  }

  /**
   * Usage by UTC day, scenario, meter and reason; sorted by day. `to` beyond now counts up to now. Fails with NOT_FOUND
   * for a scenario that is not there.
   */
  async byDay(ctx: TenantContext, period: Period, scenarioId: ScenarioId | null = null): Promise<UsageDay[]> {
    await this.db.within(ctx, (tx) => requireScenario(tx, scenarioId));
    const { fromMs, toMs } = this.passed(period);
    if (scenarioId !== null) await this.requireScenario(ctx, scenarioId);
    const spans = spansOf(fromMs, toMs);
    const folded = await this.fold(ctx, spans, scenarioId);
    return folded
      .map(({ span, ...rest }) => ({
        day: dayOf(spans[span]?.fromMs ?? fromMs),
        scenarioId: rest.scenarioId,
        meter: rest.meter,
        reason: rest.reason,
        quantity: rest.quantity,
        events: rest.events,
      }))
      .sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
  }

  private async requireScenario(ctx: TenantContext, id: ScenarioId): Promise<void> {
    const found = await this.db.within(ctx, (tx) =>
      tx.query<unknown[]>('select 1 from app.scenario where id = $1', [id]),
    );
    if (found.length === 0) throw new Failure('NOT_FOUND', 'no such scenario');
  }

  /** The same for whole days from the running sums; storage is not in them. */
  async runningSums(ctx: TenantContext, from: string, to: string): Promise<UsageDay[]> {
    interface Row {
      day: string;
      scenario_id: string;
      meter: Meter;
      reason: UsageReason;
      quantity: string;
      events: string;
    }
    const rows = await this.db.within(ctx, (tx) =>
      tx.query<Row[]>(
        `select day::text, scenario_id, meter, reason, quantity::text, events::text from app.usage_day
         where day >= $1::date and day < $2::date`,
        [from, to],
      ),
    );
    return rows
      .map((row) => ({
        day: row.day,
        scenarioId: scenarioOf(row.scenario_id) as ScenarioId | null,
        meter: row.meter,
        reason: row.reason,
        quantity: BigInt(row.quantity),
        events: BigInt(row.events),
      }))
      .sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
  }

  /** Checks a period and cuts it at now, to the millisecond. */
  passed(period: Period): { fromMs: number; toMs: number; asOfMs: number } {
    const fromMs = period.from.getTime();
    const endMs = period.to.getTime();
    if (!(fromMs < endMs))
      throw new Failure('BAD_INPUT', 'a period needs a beginning before its end', {
        path: ['from'],
        hint: 'periods include `from` and exclude `to`',
      });
    if (endMs - fromMs > MAX_DAYS * DAY_MS)
      throw new Failure('BAD_INPUT', `a period may have ${MAX_DAYS} days at most`, { path: ['to'] });
    const asOfMs = this.clock.now().getTime();
    return { fromMs, toMs: Math.max(fromMs, Math.min(endMs, asOfMs)), asOfMs };
  }

  /** Producers with numbers that never came: empty in a healthy installation. */
  async gaps(): Promise<{ producer: string; missing: string }[]> {
    return this.db.asPlatform('usage gaps', (tx) =>
      tx.query<{ producer: string; missing: string }[]>(
        `select producer, missing::text from app.usage_producer where not isempty(missing) order by producer`,
      ),
    );
  }

  /** How many keys were used for different requests. */
  async conflicts(ctx: TenantContext): Promise<number> {
    const [row] = await this.db.within(ctx, (tx) =>
      tx.query<{ n: number }[]>('select count(*)::int as n from app.usage_conflict'),
    );
    return row?.n ?? 0;
  }
}

const sortKey = (day: UsageDay): string => [day.day, day.scenarioId ?? '', day.meter, day.reason].join(' ');
