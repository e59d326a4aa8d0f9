/**
 * The ledger: every event counts exactly once. Key, event and day sum are written by the caller's transaction in one
 * order (keys, events, sums; each sorted), so that concurrent writers wait for each other instead of deadlocking.
 */
import { createHash } from 'node:crypto';
import type { EntityManager } from 'typeorm';
import { canonicalJson } from '../../contracts';
import type { UsageEvent } from '../../contracts';
import { newId } from '../platform/ids';

export type LedgerEvent = Omit<UsageEvent, 'v'>;

export interface Taken {
  /** Ids of the events that were new and now count. */
  readonly counted: ReadonlySet<string>;
  /** Same key, same body: seen before. */
  readonly repeated: number;
  /** Same key, other body: recorded, and counted under a key of their own by `takeWithConflicts`. */
  readonly conflicts: readonly Keyed[];
}

interface Keyed {
  readonly event: LedgerEvent;
  readonly bodySha256: string;
}

/** Stands for «no scenario» where a key cannot be null. */
const NO_SCENARIO = '00000000-0000-0000-0000-000000000000';

/** What must be equal for two events under one key to be the same fact. */
const bodyOf = (event: LedgerEvent): string => {
  if (event.bodySha256 !== undefined) return event.bodySha256;
  const {
    kind,
    quantities,
    bytesDelta,
    reason,
    scenarioId,
    deploymentId,
    modelVersionId,
    jobId,
    reversalOf,
  } = event;
  const body = {
    kind,
    quantities,
    bytesDelta,
    reason,
    scenarioId,
    deploymentId,
    modelVersionId,
    jobId,
    reversalOf,
  };
  return createHash('sha256').update(canonicalJson(body)).digest('hex');
};

const keyOf = (event: LedgerEvent): string => `${event.tenantId} ${event.kind} ${event.key}`;
const byKey = (a: Keyed, b: Keyed): number => {
  const [ka, kb] = [keyOf(a.event), keyOf(b.event)];
  return ka < kb ? -1 : ka > kb ? 1 : 0;
};

/** Takes events in whatever multiset they are delivered; `tx` is a tenant's (its own events only) or the platform's. */
export const takeEvents = async (tx: EntityManager, events: readonly LedgerEvent[]): Promise<Taken> => {
  // A key twice in one batch would be inserted once but joined twice: one of each first (measured trap).
  const keyed = events.map((event) => ({ event, bodySha256: bodyOf(event) }));
  const first = new Map<string, Keyed>();
  for (const one of keyed) if (!first.has(keyOf(one.event))) first.set(keyOf(one.event), one);
  const wanted = [...first.values()].sort(byKey);
  if (wanted.length === 0) return { counted: new Set(), repeated: 0, conflicts: [] };
  const fresh = await insertKeys(tx, wanted);
  const known = wanted.filter(({ event }) => !fresh.has(keyOf(event)));
  const bodies = known.length === 0 ? new Map<string, string>() : await knownBodies(tx, known);
  for (const { event, bodySha256 } of wanted)
    if (fresh.has(keyOf(event))) bodies.set(keyOf(event), bodySha256);
  const isCounted = (one: Keyed): boolean =>
    fresh.has(keyOf(one.event)) && first.get(keyOf(one.event)) === one;
  const conflicts = keyed.filter((one) => !isCounted(one) && bodies.get(keyOf(one.event)) !== one.bodySha256);
  const repeated = keyed.length - fresh.size - conflicts.length;
  const counted = wanted.filter(({ event }) => fresh.has(keyOf(event))).map(({ event }) => event);
  if (counted.length > 0) {
    await insertEvents(tx, counted);
    await addToDays(tx, counted);
  }
  return { counted: new Set(counted.map((event) => event.id)), repeated, conflicts };
};

/**
 * As `takeEvents`; a conflict is written down and then counted under a key of its own: what was answered is neither
 * free nor silent.
 */
export const takeWithConflicts = async (
  tx: EntityManager,
  events: readonly LedgerEvent[],
): Promise<Taken> => {
  const taken = await takeEvents(tx, events);
  if (taken.conflicts.length === 0) return taken;
  const conflicts = [...taken.conflicts].sort(byKey);
  await tx.query(
    `insert into app.usage_conflict (tenant_id, kind, key, body_sha256)
     select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) on conflict do nothing`,
    [
      conflicts.map(({ event }) => event.tenantId),
      conflicts.map(({ event }) => event.kind),
      conflicts.map(({ event }) => event.key),
      conflicts.map(({ bodySha256 }) => bodySha256),
    ],
  );
  const own = conflicts.map(({ event, bodySha256 }) => ({
    ...event,
    id: newId<LedgerEvent['id']>(),
    key: `${event.key}#${bodySha256}`,
  }));
  const second = await takeEvents(tx, own);
  return { ...taken, counted: new Set([...taken.counted, ...second.counted]) };
};

type KeyRow = { tenant_id: string; kind: string; key: string; body_sha256: string };
const rowKey = (row: KeyRow): string => `${row.tenant_id} ${row.kind} ${row.key}`;

const insertKeys = async (tx: EntityManager, keyed: readonly Keyed[]): Promise<Set<string>> => {
  const rows: KeyRow[] = await tx.query(
    `insert into app.usage_key (tenant_id, kind, key, body_sha256, event_id)
     select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::uuid[])
     on conflict do nothing returning tenant_id, kind, key, body_sha256`,
    [
      keyed.map(({ event }) => event.tenantId),
      keyed.map(({ event }) => event.kind),
      keyed.map(({ event }) => event.key),
      keyed.map(({ bodySha256 }) => bodySha256),
      keyed.map(({ event }) => event.id),
    ],
  );
  return new Set(rows.map(rowKey));
};

const knownBodies = async (tx: EntityManager, keyed: readonly Keyed[]): Promise<Map<string, string>> => {
  const rows: KeyRow[] = await tx.query(
    `select k.tenant_id, k.kind, k.key, k.body_sha256
     from unnest($1::uuid[], $2::text[], $3::text[]) as asked (tenant_id, kind, key)
     join app.usage_key k using (tenant_id, kind, key)`,
    [
      keyed.map(({ event }) => event.tenantId),
      keyed.map(({ event }) => event.kind),
      keyed.map(({ event }) => event.key),
    ],
  );
  return new Map(rows.map((row) => [rowKey(row), row.body_sha256]));
};

const insertEvents = async (tx: EntityManager, events: readonly LedgerEvent[]): Promise<void> => {
  await tx.query(
    `insert into app.usage_event (tenant_id, id, kind, key, event_time, quantities, bytes_delta, reason, producer,
       producer_seq, scenario_id, deployment_id, model_version_id, job_id, api_key_id, reversal_of)
     select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::timestamptz[], $6::jsonb[],
       $7::numeric[], $8::text[], $9::text[], $10::bigint[], $11::uuid[], $12::uuid[], $13::uuid[], $14::uuid[],
       $15::uuid[], $16::uuid[])`,
    [
      events.map((e) => e.tenantId),
      events.map((e) => e.id),
      events.map((e) => e.kind),
      events.map((e) => e.key),
      events.map((e) => e.eventTime),
      events.map((e) => JSON.stringify(e.quantities)),
      events.map((e) => e.bytesDelta),
      events.map((e) => e.reason),
      events.map((e) => e.producer),
      events.map((e) => e.producerSeq),
      events.map((e) => e.scenarioId),
      events.map((e) => e.deploymentId),
      events.map((e) => e.modelVersionId),
      events.map((e) => e.jobId),
      events.map((e) => e.apiKeyId),
      events.map((e) => e.reversalOf),
    ],
  );
};

interface DaySum {
  readonly tenantId: string;
  readonly day: string;
  readonly scenarioId: string;
  readonly meter: string;
  readonly reason: string;
  quantity: bigint;
  events: bigint;
}

const addToDays = async (tx: EntityManager, events: readonly LedgerEvent[]): Promise<void> => {
  const sums = new Map<string, DaySum>();
  for (const event of events) {
    const day = event.eventTime.slice(0, 10);
    const scenarioId = event.scenarioId ?? NO_SCENARIO;
    for (const [meter, quantity] of Object.entries(event.quantities)) {
      const key = [event.tenantId, day, scenarioId, meter, event.reason].join(' ');
      const sum = sums.get(key);
      if (sum) {
        sum.quantity += BigInt(quantity);
        sum.events += 1n;
      } else {
        const { tenantId, reason } = event;
        sums.set(key, { tenantId, day, scenarioId, meter, reason, quantity: BigInt(quantity), events: 1n });
      }
    }
  }
  if (sums.size === 0) return;
  const rows = [...sums].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, sum]) => sum);
  await tx.query(
    `insert into app.usage_day as d (tenant_id, day, scenario_id, meter, reason, quantity, events)
     select * from unnest($1::uuid[], $2::date[], $3::uuid[], $4::text[], $5::text[], $6::numeric[], $7::bigint[])
     on conflict (tenant_id, day, scenario_id, meter, reason)
       do update set quantity = d.quantity + excluded.quantity, events = d.events + excluded.events`,
    [
      rows.map((row) => row.tenantId),
      rows.map((row) => row.day),
      rows.map((row) => row.scenarioId),
      rows.map((row) => row.meter),
      rows.map((row) => row.reason),
      rows.map((row) => String(row.quantity)),
      rows.map((row) => String(row.events)),
    ],
  );
};

export const scenarioOf = (id: string): string | null => (id === NO_SCENARIO ? null : id);
