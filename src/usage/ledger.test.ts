import fc from 'fast-check';
import { pino } from 'pino';
import { freshDatabase } from '../../test/support/database';
import { startNats } from '../../test/support/nats';
import { STREAMS, subject } from '../../contracts';
import type { ScenarioId, Sha256, TenantId, UsageEvent, UsageEventId } from '../../contracts';
import { Billing } from '../billing';
import { Database } from '../platform/database';
import { newId } from '../platform/ids';
import { Messaging } from '../platform/messaging';
import type { TenantContext } from '../platform/context';
import { UsageConsumer } from './consumer';
import { takeWithConflicts } from './ledger';
import { Usage } from './usage.service';

const log = pino({ level: 'silent' });
const NOW = new Date('2026-03-10T12:00:00.000Z');
const clock = { now: () => NOW };
let db: Database;
let superuserUrl: string;
let usage: Usage;

beforeAll(async () => {
  const urls = await freshDatabase();
  superuserUrl = urls.superuserUrl;
  db = await Database.connect({ appUrl: urls.appUrl, platformUrl: urls.platformUrl, entities: [] });
  usage = new Usage(db, clock);
});
afterAll(() => db.close());

const contextOf = (tenantId: TenantId): TenantContext => ({
  tenantId,
  principal: { kind: 'system', reason: 'test', scopes: [] },
  requestId: 'r',
  log,
});
const makeEvent = (tenantId: TenantId, key: string, changes: Partial<UsageEvent> = {}): UsageEvent => ({
  v: 1,
  id: newId<UsageEventId>(),
  tenantId,
  kind: 'prediction',
  key,
  quantities: { predictions: '1', prediction_rows: '3', prediction_compute_ns: '1234567' },
  bytesDelta: null,
  eventTime: '2026-03-01T10:00:00.000Z',
  producer: 'p',
  producerSeq: '1',
  reason: 'billable',
  scenarioId: null,
  deploymentId: null,
  modelVersionId: null,
  jobId: null,
  apiKeyId: null,
  reversalOf: null,
  ...changes,
});
const period = { from: new Date('2026-03-01T00:00:00Z'), to: new Date('2026-04-01T00:00:00Z') };
const total = async (ctx: TenantContext, meter: string): Promise<bigint> =>
  (await usage.byDay(ctx, period)).filter((d) => d.meter === meter).reduce((sum, d) => sum + d.quantity, 0n);

describe('the ledger', () => {
  test('any multiset of deliveries, in any order and portions, counts each event once', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ n: fc.integer({ min: 0, max: 9 }), portion: fc.integer({ min: 0, max: 3 }) }), {
          minLength: 1,
          maxLength: 40,
        }),
        async (deliveries) => {
          const tenants = [newId<TenantId>(), newId<TenantId>()] as const;
          const scenario = newId<ScenarioId>();
          // The same keys in two tenants are different events.
          const events = Array.from({ length: 10 }, (_, n) =>
            tenants.map((tenantId) =>
              makeEvent(tenantId, `k${n}`, {
                scenarioId: n % 2 === 0 ? scenario : null,
                quantities: { prediction_rows: String(10n ** 20n + BigInt(n)) },
                eventTime: `2026-03-0${1 + (n % 5)}T23:59:59.999Z`,
              }),
            ),
          );
          for (const portion of [0, 1, 2, 3]) {
            const batch = deliveries.filter((d) => d.portion === portion).flatMap((d) => events[d.n] ?? []);
            await db.asPlatform('test', (tx) => takeWithConflicts(tx, batch));
          }
          const distinct = [...new Set(deliveries.map((d) => d.n))];
          const expected = distinct.reduce((sum, n) => sum + 10n ** 20n + BigInt(n), 0n);
          for (const tenantId of tenants) {
            const ctx = contextOf(tenantId);
            expect(await total(ctx, 'prediction_rows')).toBe(expected);
            // The running sums are the fold of the events.
            expect(await usage.runningSums(ctx, '2026-03-01', '2026-04-01')).toEqual(
              await usage.byDay(ctx, period),
            );
          }
        },
      ),
      { numRuns: 15 },
    );
  });

  test('concurrent takers of the same events count them once and do not deadlock', async () => {
    const tenantId = newId<TenantId>();
    const events = Array.from({ length: 60 }, (_, n) => makeEvent(tenantId, `c${n}`));
    await Promise.all(
      Array.from({ length: 4 }, (_, i) =>
        db.asPlatform('test', (tx) => takeWithConflicts(tx, i % 2 === 0 ? events : [...events].reverse())),
      ),
    );
    expect(await total(contextOf(tenantId), 'predictions')).toBe(60n);
  });

  test('a used key with another body is a conflict: written down, and not free', async () => {
    const tenantId = newId<TenantId>();
    const ctx = contextOf(tenantId);
    const body = (letter: string) => ({ bodySha256: letter.repeat(64) as Sha256 });
    const first = makeEvent(tenantId, 'order-1', body('a'));
    const other = makeEvent(tenantId, 'order-1', body('b'));
    await db.asPlatform('test', (tx) => takeWithConflicts(tx, [first, other, first]));
    await db.asPlatform('test', (tx) => takeWithConflicts(tx, [other, first]));
    expect(await total(ctx, 'predictions')).toBe(2n);
    expect(await usage.conflicts(ctx)).toBe(1);
    await expect(
      db.within(ctx, (tx) =>
        usage.record(tx, {
          kind: 'training',
          key: 'job',
          reason: 'billable',
          quantities: { training_cpu_ns: 5n },
          at: period.from,
        }),
      ),
    ).resolves.toBeUndefined();
    const again = {
      kind: 'training',
      key: 'job',
      reason: 'billable',
      quantities: { training_cpu_ns: 5n },
      at: period.from,
    } as const;
    await db.within(ctx, (tx) => usage.record(tx, again));
    await expect(
      db.within(ctx, (tx) => usage.record(tx, { ...again, quantities: { training_cpu_ns: 6n } })),
    ).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(await total(ctx, 'training_cpu_ns')).toBe(5n);
  });

  test('an event goes with the transaction it stands in', async () => {
    const ctx = contextOf(newId<TenantId>());
    await expect(
      db.within(ctx, async (tx) => {
        await usage.record(tx, {
          kind: 'training',
          key: 'x',
          reason: 'billable',
          quantities: { training_cpu_ns: 1n },
        });
        throw new Error('rolled back');
      }),
    ).rejects.toThrow('rolled back');
    expect(await total(ctx, 'training_cpu_ns')).toBe(0n);
  });

  test('nobody changes or deletes what happened', async () => {
    const tenantId = newId<TenantId>();
    const ctx = contextOf(tenantId);
    await db.asPlatform('test', (tx) => takeWithConflicts(tx, [makeEvent(tenantId, 'k')]));
    for (const statement of [
      `update app.usage_event set quantities = '{}'`,
      'delete from app.usage_event',
      'delete from app.usage_key',
    ]) {
      await expect(db.within(ctx, (tx) => tx.query(statement))).rejects.toThrow(/permission denied/);
      await expect(db.asPlatform('test', (tx) => tx.query(statement))).rejects.toThrow(/permission denied/);
    }
  });

  test('storage is the exact integral of its size over time, day by day', async () => {
    const ctx = contextOf(newId<TenantId>());
    const from = Date.UTC(2026, 2, 1);
    const changes = [
      { at: from - 5 * 86_400_000, bytes: 1_000n },
      { at: from + 3_600_000 + 7, bytes: 5_000_000_000_000n },
      { at: from + 2 * 86_400_000 - 1, bytes: -1_000n },
      { at: from + 3 * 86_400_000, bytes: 77n },
    ];
    await db.within(ctx, async (tx) => {
      for (const [i, { at, bytes }] of changes.entries())
        await usage.record(tx, {
          kind: 'storage',
          key: `s${i}`,
          bytesDelta: bytes,
          reason: 'billable',
          at: new Date(at),
        });
    });
    const days = (await usage.byDay(ctx, period)).filter((d) => d.meter === 'storage_byte_ms');
    // An independent reckoning: what is there at each instant, interval by interval.
    const until = NOW.getTime();
    for (const { day, quantity } of days) {
      const start = Date.parse(`${day}T00:00:00Z`);
      const end = Math.min(start + 86_400_000, until);
      const expected = changes.reduce(
        (sum, { at, bytes }) => (at >= end ? sum : sum + bytes * BigInt(end - Math.max(at, start))),
        0n,
      );
      expect(quantity).toBe(expected);
    }
    expect(days).toHaveLength(10);
  });
});

test('the invoice equals an independent reckoning from the raw rows, and is the same every time', async () => {
  const tenantId = newId<TenantId>();
  const ctx = contextOf(tenantId);
  const billing = new Billing(db, usage, clock);
  const scenarios = [newId<ScenarioId>(), newId<ScenarioId>()] as const;
  const events = Array.from({ length: 200 }, (_, n) =>
    makeEvent(tenantId, `i${n}`, {
      scenarioId: scenarios[n % 2],
      quantities: { predictions: '1', prediction_rows: String(n), prediction_compute_ns: String(n * 7919) },
      eventTime: new Date(Date.UTC(2026, 2, 1) + n * 3_333_333).toISOString(),
      reason: n % 17 === 0 ? 'platform_fault' : 'billable',
    }),
  );
  await db.asPlatform('test', (tx) => takeWithConflicts(tx, events));
  await db.within(ctx, (tx) =>
    usage.record(tx, {
      kind: 'storage',
      key: 's',
      bytesDelta: 123_456_789n,
      reason: 'billable',
      at: new Date(Date.UTC(2026, 2, 2)),
    }),
  );
  const invoice = await billing.preview(ctx, period);
  const again = await billing.preview(ctx, period);
  const text = (value: unknown) =>
    JSON.stringify(value, (_, v: unknown) => (typeof v === 'bigint' ? `${v}n` : v));
  expect(text(again)).toBe(text(invoice));

  const price: Record<string, [bigint, bigint]> = {
    predictions: [20_000_000n, 1_000n],
    prediction_rows: [50_000_000n, 1_000n],
    prediction_compute_ns: [300_000_000n, 3_600_000_000_000n],
    storage_byte_ms: [25_000_000n, 1_000_000_000n * 30n * 86_400_000n],
  };
  const halfEven = (a: bigint, b: bigint) => {
    const [q, r] = [a / b, a % b];
    return 2n * r > b || (2n * r === b && q % 2n === 1n) ? q + 1n : q;
  };
  let expectedTotal = 0n;
  for (const line of invoice.lines) {
    const mine = events.filter((e) => e.scenarioId === line.scenarioId && e.reason === line.reason);
    const quantity =
      line.meter === 'storage_byte_ms'
        ? 123_456_789n * BigInt(NOW.getTime() - Date.UTC(2026, 2, 2))
        : mine.reduce((sum, e) => sum + BigInt(e.quantities[line.meter] ?? '0'), 0n);
    expect(line.quantity).toBe(quantity);
    const [amount, per] = price[line.meter];
    expect(line.amountNano).toBe(line.reason === 'billable' ? halfEven(quantity * amount, per) : 0n);
    expectedTotal += line.amountNano;
  }
  expect(invoice.totalNano).toBe(expectedTotal);
  expect(invoice.lines.map((l) => l.meter).filter((m) => m === 'storage_byte_ms')).toHaveLength(1);
  expect(invoice.currency).toBe('USD');
  // One more event, another digest.
  await db.asPlatform('test', (tx) => takeWithConflicts(tx, [makeEvent(tenantId, 'late')]));
  expect((await billing.preview(ctx, period)).inputDigest).not.toBe(invoice.inputDigest);
  // Another tenant's invoice is empty.
  expect((await billing.preview(contextOf(newId<TenantId>()), period)).lines).toEqual([]);
});

describe('the consumer', () => {
  test('takes redelivered, repeated and broken messages; numbers that never came stand as a gap', async () => {
    const nats = await startNats();
    const messaging = await Messaging.connect(nats.url, 'test', log);
    try {
      await messaging.ensureStreams();
      const tenantId = newId<TenantId>();
      const ctx = contextOf(tenantId);
      const seen: string[] = [];
      const consumer = new UsageConsumer(db, messaging, log, async (_tx, predictions) => {
        for (const { record } of predictions) seen.push(record.id);
      });
      const producer = `g-${tenantId}`;
      const numbered = (n: number) => makeEvent(tenantId, `m${n}`, { producer, producerSeq: String(n) });
      const events = Array.from({ length: 30 }, (_, i) => numbered(i + 1));
      const send = (from: number, to: number, id: string) =>
        messaging.store(
          subject.usage(producer),
          {
            v: 1,
            producer,
            events: events.slice(from - 1, to).map((event) => ({ event, prediction: null })),
          },
          id,
        );
      await send(1, 10, 'a');
      await send(5, 12, 'b'); // overlaps: a producer that repeats itself
      await send(16, 30, 'c'); // 13 to 15 are missing
      await messaging.store(subject.usage(producer), { nonsense: true }, 'd');
      await consumer.start();
      await until(async () => (await total(ctx, 'predictions')) === 27n);
      expect(await usage.gaps()).toEqual([{ producer, missing: '{[13,16)}' }]);
      await send(13, 15, 'e');
      await until(async () => (await usage.gaps()).length === 0);
      expect(await total(ctx, 'predictions')).toBe(30n);
      await until(async () => (await consumer.lag()) === 0);
      await consumer.stop();
      const dead = await db.asPlatform('test', (tx) =>
        tx.query<{ reason: string }[]>('select reason from app.usage_dead_letter'),
      );
      expect(dead).toEqual([{ reason: 'not a usage message' }]);
      expect(STREAMS.usage.name).toBe('MM_USAGE');
      expect(superuserUrl).toBeTruthy();
      expect(seen).toEqual([]);
    } finally {
      await messaging.close();
      await nats.stop();
    }
  });
});

const until = async (done: () => Promise<boolean>): Promise<void> => {
  const limit = Date.now() + 10_000;
  while (!(await done())) {
    if (Date.now() > limit) throw new Error('did not happen');
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
};
