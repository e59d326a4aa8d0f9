import fc from 'fast-check';
import { METERS, USAGE_REASONS } from '../../contracts';
import { amountOf } from './money';
import { rate } from './rating';
import type { PriceVersion, UsageFact } from './rating';

const DAY_MS = 86_400_000;
const FROM = Date.UTC(2026, 0, 1);
const prices: PriceVersion[] = METERS.flatMap((meter, index) => [
  {
    id: `${meter}-1`,
    meter,
    amountNano: 7n + BigInt(index),
    perQuantity: 3n,
    fromMs: 0,
    toMs: FROM + 2 * DAY_MS,
  },
  { id: `${meter}-2`, meter, amountNano: 5n, perQuantity: 11n, fromMs: FROM + 2 * DAY_MS, toMs: null },
]);
const period = { fromMs: FROM, toMs: FROM + 5 * DAY_MS, currency: 'EUR', prices };

const fact: fc.Arbitrary<UsageFact> = fc
  .record({
    scenarioId: fc.constantFrom(null, 'a', 'b'),
    meter: fc.constantFrom(...METERS),
    reason: fc.constantFrom(...USAGE_REASONS),
    dayIndex: fc.integer({ min: 0, max: 4 }),
    quantity: fc.bigInt({ min: 0n, max: 10n ** 30n }),
    events: fc.bigInt({ min: 1n, max: 50n }),
    fingerprint: fc.bigInt({ min: 0n, max: 2n ** 120n }),
  })
  .map(({ dayIndex, ...rest }) => ({
    ...rest,
    day: new Date(FROM + dayIndex * DAY_MS).toISOString().slice(0, 10),
    priceId: `${rest.meter}-${dayIndex < 2 ? 1 : 2}`,
  }));

const text = (value: unknown): string =>
  JSON.stringify(value, (_, v: unknown) => (typeof v === 'bigint' ? `${v}n` : v));

describe('rating', () => {
  test('the order in which usage arrives changes no byte', () => {
    fc.assert(
      fc.property(
        fc
          .array(fact, { maxLength: 30 })
          .chain((facts) =>
            fc.tuple(fc.constant(facts), fc.shuffledSubarray(facts, { minLength: facts.length })),
          ),
        ([facts, shuffled]) => {
          expect(text(rate({ ...period, facts: shuffled }))).toBe(text(rate({ ...period, facts })));
        },
      ),
      { numRuns: 60 },
    );
  });

  test('the portions in which usage arrives change no byte', () => {
    fc.assert(
      fc.property(fc.array(fact, { maxLength: 20 }), (facts) => {
        const halves = facts.flatMap((f) => {
          const [quantity, events, fingerprint] = [f.quantity / 3n, f.events / 3n, f.fingerprint / 3n];
          return [
            { ...f, quantity, events, fingerprint },
            {
              ...f,
              quantity: f.quantity - quantity,
              events: f.events - events,
              fingerprint: f.fingerprint - fingerprint,
            },
          ];
        });
        expect(text(rate({ ...period, facts: halves }))).toBe(text(rate({ ...period, facts })));
      }),
      { numRuns: 60 },
    );
  });

  test('days add up to their line, lines to the total, and each line is rounded once', () => {
    fc.assert(
      fc.property(fc.array(fact, { maxLength: 30 }), (facts) => {
        const invoice = rate({ ...period, facts });
        for (const line of invoice.lines) {
          expect(line.days.reduce((sum, day) => sum + day.amountNano, 0n)).toBe(line.amountNano);
          expect(line.days.reduce((sum, day) => sum + day.quantity, 0n)).toBe(line.quantity);
          expect(line.amountNano).toBe(line.price === null ? 0n : amountOf(line.quantity, line.price));
          expect(line.charged).toBe(line.reason === 'billable');
        }
        expect(invoice.lines.reduce((sum, line) => sum + line.amountNano, 0n)).toBe(invoice.totalNano);
        // Nothing is lost between usage and lines.
        const asked = facts.reduce((sum, f) => sum + f.quantity, 0n);
        expect(invoice.lines.reduce((sum, line) => sum + line.quantity, 0n)).toBe(asked);
      }),
      { numRuns: 60 },
    );
  });

  test('the digest changes with one nano of price, one unit of usage or one event', () => {
    const base: UsageFact = {
      scenarioId: 'a',
      meter: 'prediction_rows',
      reason: 'billable',
      day: '2026-01-01',
      priceId: 'prediction_rows-1',
      quantity: 10n,
      events: 2n,
      fingerprint: 99n,
    };
    const digest = (f: Partial<UsageFact>, amountNano = 8n): string =>
      rate({
        ...period,
        prices: prices.map((p) => (p.id === 'prediction_rows-1' ? { ...p, amountNano } : p)),
        facts: [{ ...base, ...f }],
      }).inputDigest;
    const all = [
      digest({}),
      digest({ quantity: 11n }),
      digest({ fingerprint: 98n }),
      digest({ events: 3n }),
      digest({}, 9n),
    ];
    expect(new Set(all).size).toBe(all.length);
    expect(digest({})).toBe(digest({}));
  });

  test('failed, canceled and shadow work stands on the invoice and costs nothing', () => {
    const invoice = rate({
      ...period,
      facts: (['failed', 'canceled', 'platform_fault', 'shadow'] as const).map((reason) => ({
        scenarioId: 'a',
        meter: 'training_cpu_ns' as const,
        reason,
        day: '2026-01-01',
        priceId: 'training_cpu_ns-1',
        quantity: 10n ** 12n,
        events: 1n,
        fingerprint: 1n,
      })),
    });
    expect(invoice.lines).toHaveLength(4);
    expect(invoice.lines.every((line) => !line.charged && line.amountNano === 0n)).toBe(true);
    expect(invoice.totalNano).toBe(0n);
  });
});
