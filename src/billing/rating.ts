/**
 * Rating: an invoice preview is a pure function of (folded usage, price versions, period). The same input gives the
 * same bytes, in whatever order or portions the usage arrives.
 */
import { createHash } from 'node:crypto';
import { METERS, canonicalJson } from '../../contracts';
import type { Meter, UsageReason } from '../../contracts';
import { amountOf } from './money';
import type { UnitPrice } from './money';

/** What a price is from `from` (inclusive) to `to` (exclusive; null = open). Instants are epoch milliseconds. */
export interface PriceVersion extends UnitPrice {
  readonly id: string;
  readonly meter: Meter;
  readonly fromMs: number;
  readonly toMs: number | null;
}

/** Usage of one day (UTC) under one price version, already summed: the ledger's fold. */
export interface UsageFact {
  readonly scenarioId: string | null;
  readonly meter: Meter;
  readonly reason: UsageReason;
  /** `2026-11-23` */
  readonly day: string;
  /** Null when no price covers the instant: shown, not charged. */
  readonly priceId: string | null;
  readonly quantity: bigint;
  readonly events: bigint;
  /** Order-independent hash of the events behind the quantity, as a number that adds up. */
  readonly fingerprint: bigint;
}

export interface InvoiceDay {
  readonly day: string;
  readonly quantity: bigint;
  /**
   * The day's part of the line. Days are differences of the rounded running total, so they always add up to the line
   * exactly; a single day may differ by less than one nano from rating it alone.
   */
  readonly amountNano: bigint;
}

export interface InvoiceLine {
  readonly scenarioId: string | null;
  readonly meter: Meter;
  readonly reason: UsageReason;
  readonly quantity: bigint;
  readonly events: bigint;
  /** Null on lines that are not charged. */
  readonly price: PriceVersion | null;
  readonly amountNano: bigint;
  readonly charged: boolean;
  readonly days: readonly InvoiceDay[];
}

export interface Invoice {
  readonly fromMs: number;
  readonly toMs: number;
  readonly currency: string;
  readonly lines: readonly InvoiceLine[];
  readonly totalNano: bigint;
  /** SHA-256 of everything the invoice was derived from. */
  readonly inputDigest: string;
}

export interface RatingInput {
  readonly fromMs: number;
  readonly toMs: number;
  readonly currency: string;
  readonly prices: readonly PriceVersion[];
  readonly facts: readonly UsageFact[];
}

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const keyOf = (fact: UsageFact): string =>
  [
    fact.scenarioId ?? '',
    String(METERS.indexOf(fact.meter)).padStart(3, '0'),
    fact.reason === 'billable' ? '0' : `1${fact.reason}`,
    fact.priceId ?? '',
  ].join('|');

/** Lines by scenario, meter, reason and price version; only `billable` usage under a price costs something. */
export const rate = (input: RatingInput): Invoice => {
  const prices = new Map(input.prices.map((price) => [price.id, price]));
  const groups = new Map<string, UsageFact[]>();
  for (const fact of input.facts) {
    const group = groups.get(keyOf(fact));
    if (group) group.push(fact);
    else groups.set(keyOf(fact), [fact]);
  }
  const sorted = [...groups].sort(([a], [b]) => order(a, b));
  const lines = sorted
    .map(([, facts]) => lineOf(facts, prices))
    .filter((line) => line.events !== 0n || line.quantity !== 0n);
  return {
    fromMs: input.fromMs,
    toMs: input.toMs,
    currency: input.currency,
    lines,
    totalNano: lines.reduce((sum, line) => sum + line.amountNano, 0n),
    inputDigest: digestOf(input, sorted),
  };
};

const lineOf = (facts: readonly UsageFact[], prices: ReadonlyMap<string, PriceVersion>): InvoiceLine => {
  const first = facts[0];
  const price = first.priceId === null ? null : (prices.get(first.priceId) ?? null);
  const charged = first.reason === 'billable' && price !== null;
  const byDay = new Map<string, bigint>();
  for (const { day, quantity } of facts) byDay.set(day, (byDay.get(day) ?? 0n) + quantity);
  let running = 0n;
  let booked = 0n;
  const days = [...byDay]
    .sort(([a], [b]) => order(a, b))
    .map(([day, quantity]) => {
      running += quantity;
      const total = charged ? amountOf(running, price) : 0n;
      const amountNano = total - booked;
      booked = total;
      return { day, quantity, amountNano };
    });
  return {
    scenarioId: first.scenarioId,
    meter: first.meter,
    reason: first.reason,
    quantity: running,
    events: facts.reduce((sum, fact) => sum + fact.events, 0n),
    price: charged ? price : null,
    amountNano: booked,
    charged,
    days,
  };
};

const digestOf = (
  input: RatingInput,
  groups: readonly (readonly [string, readonly UsageFact[]])[],
): string => {
  const text = canonicalJson({
    v: 1,
    fromMs: input.fromMs,
    toMs: input.toMs,
    currency: input.currency,
    prices: input.prices
      .map((p) => [p.id, p.meter, String(p.amountNano), String(p.perQuantity), p.fromMs, p.toMs])
      .sort((a, b) => order(String(a[0]), String(b[0]))),
    usage: groups.map(([key, facts]) => [
      key,
      String(facts.reduce((sum, fact) => sum + fact.quantity, 0n)),
      String(facts.reduce((sum, fact) => sum + fact.events, 0n)),
      String(facts.reduce((sum, fact) => sum + fact.fingerprint, 0n)),
    ]),
  });
  return createHash('sha256').update(text).digest('hex');
};
