/** Sums of the ledger over spans of time: events by their instant, storage as the exact integral of its size changes. */
import type { TenantTx } from '../platform/database';
import type { Meter, ScenarioId, UsageReason } from '../../contracts';

/** `[fromMs, toMs)` in epoch milliseconds. Spans of one call must not overlap. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface FoldedUsage {
  /** Index of the span. */
  readonly span: number;
  readonly scenarioId: ScenarioId | null;
  readonly meter: Meter;
  readonly reason: UsageReason;
  readonly quantity: bigint;
  readonly events: bigint;
  /** Adds up over portions, whatever their order: 60 bits of each event's sha-256. */
  readonly fingerprint: bigint;
}

interface Row {
  span: number;
  scenario_id: ScenarioId | null;
  meter: Meter;
  reason: UsageReason;
  quantity: string;
  events: string;
  fingerprint: string;
}

const FINGERPRINT = (text: string): string =>
  `sum(('x' || substr(encode(sha256(convert_to(${text}, 'UTF8')), 'hex'), 1, 15))::bit(60)::bigint::numeric)`;

const EVENTS = `
  select (s.span - 1)::int as span, e.scenario_id, q.key as meter, e.reason, sum(q.value::numeric)::text as quantity,
         count(*)::text as events, ${FINGERPRINT("e.id::text || q.key || '=' || q.value || e.reason")}::text as fingerprint
  from unnest($1::timestamptz[], $2::timestamptz[]) with ordinality as s (from_at, to_at, span)
  join app.usage_event e on e.event_time >= s.from_at and e.event_time < s.to_at
  cross join lateral jsonb_each_text(e.quantities) q
  where e.kind <> 'storage' and ($3::uuid is null or e.scenario_id = $3::uuid)
  group by 1, 2, 3, 4`;

/** Every change counts from its instant, or from the start of the span if it was before, to the span's end. */
const STORAGE = `
  select (s.span - 1)::int as span, e.scenario_id, 'storage_byte_ms' as meter, e.reason,
         sum(e.bytes_delta * (extract(epoch from s.to_at) * 1000
           - extract(epoch from greatest(e.event_time, s.from_at)) * 1000)::numeric(38,0))::numeric(38,0)::text as quantity,
         count(*) filter (where e.event_time >= s.from_at)::text as events,
         ${FINGERPRINT("e.id::text || 'bytes=' || e.bytes_delta::text || e.reason || e.event_time::text")}::text as fingerprint
  from unnest($1::timestamptz[], $2::timestamptz[]) with ordinality as s (from_at, to_at, span)
  join app.usage_event e on e.event_time < s.to_at
  where e.kind = 'storage' and ($3::uuid is null or e.scenario_id = $3::uuid)
  group by 1, 2, 4`;

/** Sums by span, scenario, meter and reason, of one tenant. Instants must be whole milliseconds. */
export const foldUsage = async (
  tx: TenantTx,
  spans: readonly Span[],
  scenarioId: ScenarioId | null,
): Promise<FoldedUsage[]> => {
  const from = spans.map((span) => new Date(span.fromMs).toISOString());
  const to = spans.map((span) => new Date(span.toMs).toISOString());
  // Instants print in the session's zone; the fingerprint must not depend on it.
  await tx.query(`set local time zone 'UTC'`);
  const rows = [
    ...(await tx.query<Row[]>(EVENTS, [from, to, scenarioId])),
    ...(await tx.query<Row[]>(STORAGE, [from, to, scenarioId])),
  ];
  return rows
    .map((row) => ({
      span: row.span,
      scenarioId: row.scenario_id,
      meter: row.meter,
      reason: row.reason,
      quantity: BigInt(row.quantity),
      events: BigInt(row.events),
      fingerprint: BigInt(row.fingerprint),
    }))
    .filter((folded) => folded.quantity !== 0n || folded.events !== 0n);
};

const DAY_MS = 86_400_000;

/** Cuts `[fromMs, toMs)` at UTC midnights and at `cuts`; at most 10,000 spans. */
export const spansOf = (fromMs: number, toMs: number, cuts: readonly number[] = []): Span[] => {
  const edges = new Set<number>([fromMs, toMs, ...cuts.filter((cut) => cut > fromMs && cut < toMs)]);
  for (let day = Math.floor(fromMs / DAY_MS) * DAY_MS + DAY_MS; day < toMs; day += DAY_MS) edges.add(day);
  const sorted = [...edges].sort((a, b) => a - b);
  return sorted.slice(0, -1).map((edge, index) => ({ fromMs: edge, toMs: sorted[index + 1] ?? toMs }));
};

/** The UTC day of an instant: `2026-11-23`. */
export const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
