import { createHash } from 'node:crypto';
import { STREAMS, UsageBatch } from '../../contracts';
import type { PredictionRecord, UsageEvent } from '../../contracts';
import { isUnreachable } from '../platform/database';
import type { Database, PlatformTx } from '../platform/database';
import type { Delivery, Messaging } from '../platform/messaging';
import type { Logger } from '../platform/log';
import { takeWithConflicts } from './ledger';

export interface LoggedPrediction {
  readonly event: UsageEvent;
  readonly firstRow: number;
  readonly record: PredictionRecord;
}
/** Writes prediction records in the ledger's own transaction; a repeat must change nothing. */
export type PredictionSink = (tx: PlatformTx, predictions: readonly LoggedPrediction[]) => Promise<void>;

interface Message {
  readonly delivery: Delivery;
  readonly batch: UsageBatch;
}

export const LEDGER = 'ledger';
const MESSAGES_AT_ONCE = 1000;
const EVENTS_AT_ONCE = 5000;
const FEW_MESSAGES = 100;
const GATHER_MS = 40;

/** Takes usage messages into the ledger: one transaction for many, acknowledged after its commit. */
export class UsageConsumer {
  private running: { stop(): Promise<void> } | null = null;

  constructor(
    private readonly db: Database,
    private readonly messaging: Messaging,
    private readonly log: Logger,
    private readonly store: PredictionSink,
  ) {}

  async start(): Promise<void> {
    this.running = await this.messaging.consume(
      STREAMS.usage.name,
      LEDGER,
      { batch: MESSAGES_AT_ONCE, ackWaitMs: 30_000 },
      (deliveries) => this.take(deliveries),
    );
  }

  async stop(): Promise<void> {
    await this.running?.stop();
  }

  /** Messages whose events are not in the ledger yet. */
  async lag(): Promise<number> {
    const { pending, inHand } = await this.messaging.backlog(STREAMS.usage.name, LEDGER);
    return pending + inHand;
  }

  private async take(deliveries: readonly Delivery[]): Promise<void> {
    const messages: Message[] = [];
    for (const delivery of deliveries) {
      const parsed = UsageBatch.safeParse(delivery.body);
      if (parsed.success) messages.push({ delivery, batch: parsed.data });
      else await this.settle([delivery], () => this.bury(delivery, 'not a usage message'));
    }
    for (const portion of portions(messages)) await this.takePortion(portion);
    // What comes in the next moment goes into one transaction: answers do not wait for the ledger.
    if (deliveries.length < FEW_MESSAGES) await new Promise((resolve) => setTimeout(resolve, GATHER_MS));
  }

  private async takePortion(messages: readonly Message[]): Promise<void> {
    const deliveries = messages.map((message) => message.delivery);
    try {
      await this.db.asPlatform('usage ledger', (tx) => this.write(tx, messages));
      await Promise.all(deliveries.map((delivery) => delivery.ack().catch(() => false)));
    } catch (error) {
      const retryable = isUnreachable(error) || (error as { code?: unknown }).code === 'UNAVAILABLE';
      if (retryable || messages.length > 1) {
        this.log.warn({ err: error, messages: messages.length }, 'usage messages will be taken again');
        if (retryable) {
          for (const delivery of deliveries) delivery.retry(1000);
          await new Promise((resolve) => setTimeout(resolve, 500));
        } else for (const message of messages) await this.takePortion([message]); // finds the one that spoils the rest
        return;
      }
      // A deadlock or a serialisation failure passes; what fails for itself again and again is put aside, not lost.
      const [delivery] = deliveries;
      if (delivery === undefined) return;
      if (TRANSIENT.test(String((error as { code?: unknown }).code))) return delivery.retry(200);
      this.log.error({ err: error, streamSeq: delivery.streamSeq }, 'a usage message cannot be taken');
      await this.settle([delivery], () => this.bury(delivery, 'refused by the database'));
    }
  }

  private async settle(deliveries: readonly Delivery[], work: () => Promise<void>): Promise<void> {
    try {
      await work();
      await Promise.all(deliveries.map((delivery) => delivery.ack().catch(() => false)));
    } catch {
      for (const delivery of deliveries) delivery.retry(1000);
    }
  }

  private async bury(delivery: Delivery, reason: string): Promise<void> {
    const text = JSON.stringify(delivery.body) ?? '';
    await this.db.asPlatform('usage dead letter', (tx) =>
      tx.query(
        `insert into app.usage_dead_letter (stream, stream_seq, reason, body_sha256)
         values ($1, $2, $3, $4) on conflict do nothing`,
        [STREAMS.usage.name, delivery.streamSeq, reason, createHash('sha256').update(text).digest('hex')],
      ),
    );
  }

  private async write(tx: PlatformTx, messages: readonly Message[]): Promise<void> {
    const entries = messages.flatMap(({ batch }) => batch.events);
    const { counted } = await takeWithConflicts(
      tx,
      entries.map(({ event }) => event),
    );
    await countProducers(
      tx,
      entries.map(({ event }) => event),
    );
    const predictions: LoggedPrediction[] = messages.flatMap(({ batch }) => [
      ...(batch.more ?? []).map(({ event, firstRow, prediction }) => ({
        event,
        firstRow,
        record: prediction,
      })),
      ...batch.events.flatMap(({ event, prediction }) =>
        prediction !== null && counted.has(event.id) ? [{ event, firstRow: 0, record: prediction }] : [],
      ),
    ]);
    if (predictions.length > 0) await this.store(tx, predictions);
    const last = Math.max(...messages.map(({ delivery }) => delivery.streamSeq));
    await tx.query(
      `insert into app.usage_cursor as c (stream, stream_seq) values ($1, $2)
       on conflict (stream) do update set stream_seq = greatest(c.stream_seq, excluded.stream_seq), at = now()`,
      [STREAMS.usage.name, last],
    );
  }
}

/** PostgreSQL's serialisation failure and deadlock. */
const TRANSIENT = /^40(001|P01)$/;

/** Portions of at most EVENTS_AT_ONCE events, in order. */
const portions = (messages: readonly Message[]): Message[][] => {
  const all: Message[][] = [];
  let current: Message[] = [];
  let events = 0;
  for (const message of messages) {
    if (current.length > 0 && events + message.batch.events.length > EVENTS_AT_ONCE) {
      all.push(current);
      current = [];
      events = 0;
    }
    current.push(message);
    events += message.batch.events.length;
  }
  if (current.length > 0) all.push(current);
  return all;
};

/**
 * Producers number their events from 1; what is missing below the highest number seen stands in `missing`. A number
 * that comes late leaves it again.
 */
const countProducers = async (tx: PlatformTx, events: readonly UsageEvent[]): Promise<void> => {
  const seen = new Map<string, bigint[]>();
  for (const event of events) {
    const numbers = seen.get(event.producer);
    if (numbers) numbers.push(BigInt(event.producerSeq));
    else seen.set(event.producer, [BigInt(event.producerSeq)]);
  }
  for (const [producer, numbers] of [...seen].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const ranges = numbers.map((n) => `[${n},${n + 1n})`).join(',');
    const next = numbers.reduce((max, n) => (n > max ? n : max), 0n) + 1n;
    await tx.query(
      `insert into app.usage_producer as p (producer, next_seq, missing)
       values ($1, $2::bigint, int8multirange(int8range(1, $2::bigint)) - $3::int8multirange)
       on conflict (producer) do update set
         missing = (p.missing + case when excluded.next_seq > p.next_seq
                                then int8multirange(int8range(p.next_seq, excluded.next_seq))
                                else '{}'::int8multirange end) - $3::int8multirange,
         next_seq = greatest(p.next_seq, excluded.next_seq), at = now()`,
      [producer, String(next), `{${ranges}}`],
    );
  }
};
