import { pino } from 'pino';
import type { UsageBatch } from '../../contracts';
import type { PredictionId, ScenarioId, Sha256, TenantId } from '../../contracts';
import { newId } from '../platform/ids';
import { UsageMeter, assertLoggable } from './meter';
import type { UnnumberedEvent } from './meter';

const event = (changes: Partial<UnnumberedEvent> = {}): UnnumberedEvent => {
  const id = newId<UnnumberedEvent['id']>();
  return {
    v: 1,
    id,
    tenantId: newId<TenantId>(),
    kind: 'prediction',
    key: id,
    quantities: { predictions: '1', prediction_rows: '2' },
    bytesDelta: null,
    eventTime: new Date().toISOString(),
    reason: 'billable',
    scenarioId: newId<ScenarioId>(),
    deploymentId: null,
    modelVersionId: null,
    jobId: null,
    apiKeyId: null,
    reversalOf: null,
    ...changes,
  };
};
const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'stored',
    (error: { code: string }) => error.code,
  );
const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

/** A stream whose connection can be cut: messages under a known id are stored once. */
const stream = () => {
  const messages = new Map<string, UsageBatch>();
  const state = { up: true, storesThoughSilent: false, latencyMs: 5 };
  return {
    messages,
    state,
    events: () => [...messages.values()].flatMap((batch) => batch.events.map((entry) => entry.event)),
    store: async (_subject: string, body: unknown, id: string) => {
      await pause(state.latencyMs);
      if (state.up || state.storesThoughSilent)
        if (!messages.has(id)) messages.set(id, structuredClone(body) as UsageBatch);
      if (!state.up) throw new Error('no answer');
    },
  };
};
const log = pino({ level: 'silent' });

describe('the meter', () => {
  test('concurrent events share messages and are numbered without gaps', async () => {
    const nats = stream();
    const meter = new UsageMeter({ store: nats.store, producer: 'p1', log });
    await Promise.all(Array.from({ length: 100 }, () => meter.store(event(), null)));
    await meter.store(event(), null);
    expect(nats.messages.size).toBe(2);
    expect(nats.events().map((stored) => stored.producerSeq)).toEqual(
      Array.from({ length: 101 }, (_, i) => String(i + 1)),
    );
    await meter.stop();
  });

  test('a stream that is away refuses, is known to be away, and comes back without a gap', async () => {
    const nats = stream();
    const meter = new UsageMeter({ store: nats.store, producer: 'p1', patienceMs: 150, log });
    await meter.store(event(), null);
    nats.state.up = false;
    const refused = await Promise.all([
      codeOf(meter.store(event(), null)),
      codeOf(meter.store(event(), null)),
    ]);
    expect(refused).toEqual(['METER_UNAVAILABLE', 'METER_UNAVAILABLE']);
    await pause(160);
    expect(() => meter.assertAvailable()).toThrow('usage cannot be recorded');
    expect(await codeOf(meter.store(event(), null))).toBe('METER_UNAVAILABLE');
    nats.state.up = true;
    await pause(1200);
    meter.assertAvailable();
    await meter.store(event(), null);
    const events = nats.events();
    expect(events.map((stored) => Number(stored.producerSeq))).toEqual(events.map((_, i) => i + 1));
    // What was refused adds up to nothing: refused events that were stored late stand there with their reversal.
    const rows = events.reduce((sum, stored) => sum + BigInt(stored.quantities.prediction_rows ?? '0'), 0n);
    expect(rows).toBe(4n);
    await meter.stop();
  });

  test('stored without an answer: reversed, or left for the repeat when the key is the caller’s own', async () => {
    const nats = stream();
    const meter = new UsageMeter({ store: nats.store, producer: 'p1', patienceMs: 100, log });
    Object.assign(nats.state, { up: false, storesThoughSilent: true });
    const own = event({ key: 'order-7', bodySha256: 'a'.repeat(64) as Sha256 });
    const anonymous = event();
    await Promise.all([codeOf(meter.store(own, null)), codeOf(meter.store(anonymous, null))]);
    nats.state.up = true;
    await pause(900);
    const reversals = nats.events().filter((stored) => stored.reversalOf !== null);
    expect(reversals.map((stored) => stored.reversalOf)).toEqual([anonymous.id]);
    expect(reversals[0]?.quantities).toEqual({ predictions: '-1', prediction_rows: '-2' });
    await meter.stop();
  });

  test('a record beyond what one message holds travels in parts before its event', async () => {
    const nats = stream();
    const meter = new UsageMeter({ store: nats.store, producer: 'p1', log });
    const billed = event();
    const rows = Array.from({ length: 40 }, (_, i) => ({ text: `${i}`.padEnd(40_000, 'x') }));
    await meter.store(billed, {
      id: billed.id as string as PredictionId,
      rows,
      outputs: rows.map((_, i) => ({ prediction: i, probabilities: null })),
    });
    const messages = [...nats.messages.values()];
    expect(messages.every((message) => JSON.stringify(message).length < 1_000_000)).toBe(true);
    const parts = messages.flatMap((message) => message.more ?? []);
    expect(parts.flatMap((part) => part.prediction.rows)).toEqual(rows);
    expect(parts.map((part) => part.firstRow)[0]).toBe(0);
    expect(messages.at(-1)?.events).toHaveLength(1);
    await meter.stop();
  });

  test('a row that no message can hold is refused before anything is stored, and what comes after is not held up', async () => {
    const nats = stream();
    const meter = new UsageMeter({ store: nats.store, producer: 'p1', log });
    const record = (...bytes: number[]) => {
      const billed = event();
      const rows = bytes.map((size) => ({ text: 'x'.repeat(size) }));
      return meter.store(billed, {
        id: billed.id as string as PredictionId,
        rows,
        outputs: rows.map((_, i) => ({ prediction: i, probabilities: null })),
      });
    };
    await expect(record(10, 1_000_000)).rejects.toMatchObject({
      code: 'PAYLOAD_TOO_LARGE',
      path: ['rows', 1],
    });
    expect(nats.messages.size).toBe(0);
    await record(600_000, 990_000, 600_000);
    await record(10);
    const sizes = [...nats.messages.values()].map((message) => JSON.stringify(message).length);
    expect(sizes).toHaveLength(5);
    expect(Math.max(...sizes)).toBeLessThan(1_000_000);
    await meter.stop();
  });

  test.each(['x', '"', '漢', '\u0001'])(
    'what sampling leaves out is refused where what it keeps is, to the byte: %j',
    async (letter) => {
      const nats = stream();
      const meter = new UsageMeter({ store: nats.store, producer: 'p1', log });
      const most = Math.floor(999_900 / (Buffer.byteLength(JSON.stringify(letter)) - 2));
      const recordOf = (padding: number) => ({
        id: event().id as string as PredictionId,
        rows: [{ text: 'small' }, { text: letter.repeat(most) + ' '.repeat(padding) }],
        outputs: [0, 1].map((prediction) => ({ prediction, probabilities: null })),
      });
      const bytes = (padding: number): number => {
        const { rows, outputs } = recordOf(padding);
        return Buffer.byteLength(JSON.stringify([rows[1], outputs[1]]));
      };
      const fits = 1_000_000 - bytes(0);
      expect(bytes(fits)).toBe(1_000_000);
      expect(() => assertLoggable(recordOf(fits))).not.toThrow();
      await meter.store(event(), recordOf(fits));
      const refused = { code: 'PAYLOAD_TOO_LARGE', path: ['rows', 1] };
      await expect(meter.store(event(), recordOf(fits + 1))).rejects.toMatchObject(refused);
      expect(() => assertLoggable(recordOf(fits + 1))).toThrow(expect.objectContaining(refused) as Error);
      await meter.stop();
    },
  );
});
