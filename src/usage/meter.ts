/**
 * The producer side of metering: an answer that is billed leaves only after JetStream stored its event. Events of
 * concurrent requests travel in one message, formed while the one before is under way: no timer, no added delay.
 */
import { Failure, subject } from '../../contracts';
import type { PredictionRecord, UsageBatch, UsageEvent } from '../../contracts';
import { newId } from '../platform/ids';
import type { Logger } from '../platform/log';

/** An event before its producer numbers it. */
export type UnnumberedEvent = Omit<UsageEvent, 'producer' | 'producerSeq'>;

export interface MeterOptions {
  /** `Messaging.store`: resolves when the stream has the message; a repeat under the same id is harmless. */
  readonly store: (subject: string, body: unknown, id: string, timeoutMs: number) => Promise<unknown>;
  /** Name of this process's life: a new one at every start, so that numbers begin at 1. */
  readonly producer: string;
  /** How long a request waits for its event to be stored. */
  readonly patienceMs?: number;
  readonly log: Logger;
}

interface Entry {
  readonly event: UnnumberedEvent;
  prediction: PredictionRecord | null;
  readonly bytes: number;
  readonly sinceMs: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
  state: 'waiting' | 'stored' | 'refused';
}

/** NATS refuses messages beyond 1 MB. */
const MAX_MESSAGE_BYTES = 700_000;
const MAX_EVENTS = 500;
const PATIENCE_MS = 2500;
const TRY_MS = 1000;

export class UsageMeter {
  private waiting: Entry[] = [];
  private inFlight: Entry[] = [];
  private pumping: Promise<void> | null = null;
  private lastSeq = 0n;
  private failingSinceMs: number | null = null;
  private stopped = false;
  private readonly patienceMs: number;
  private readonly sweep: NodeJS.Timeout;
  readonly counts = { events: 0, messages: 0, refused: 0, reversed: 0 };

  constructor(private readonly options: MeterOptions) {
    this.patienceMs = options.patienceMs ?? PATIENCE_MS;
    this.sweep = setInterval(() => this.refuseOverdue(), 50);
    this.sweep.unref();
  }

  /** Fails with METER_UNAVAILABLE while the stream is known to be away: asked before any work is done. */
  assertAvailable(): void {
    if (this.stopped) throw new Failure('UNAVAILABLE', 'the gateway is stopping');
    if (this.failingSinceMs !== null && Date.now() - this.failingSinceMs > this.patienceMs)
      throw unavailable();
  }

  /**
   * Resolves when the event is stored. Fails with METER_UNAVAILABLE when it was not within the patience; an event that
   * may have been stored all the same is reversed, unless its key is the caller's own: then a repeat is free.
   */
  store(event: UnnumberedEvent, prediction: PredictionRecord | null): Promise<void> {
    if (this.stopped) return Promise.reject(new Failure('UNAVAILABLE', 'the gateway is stopping'));
    return new Promise((resolve, reject) => {
      const bytes = 600 + (prediction === null ? 0 : Buffer.byteLength(JSON.stringify(prediction)));
      this.waiting.push({ event, prediction, bytes, sinceMs: Date.now(), resolve, reject, state: 'waiting' });
      this.pumping ??= this.pump();
    });
  }

  private async pump(): Promise<void> {
    await Promise.resolve(); // requests of the same turn travel together
    try {
      while (this.waiting.length > 0) {
        this.inFlight = this.take();
        const [first] = this.inFlight;
        if (first !== undefined && first.bytes > MAX_MESSAGE_BYTES) await this.sendRowsAhead(first);
        await this.send(this.inFlight);
        this.inFlight = [];
      }
    } catch {
      // Only while stopping: what could not be stored is refused by `stop`.
    } finally {
      this.pumping = null;
    }
  }

  private take(): Entry[] {
    let bytes = 0;
    let count = 0;
    for (const entry of this.waiting) {
      bytes += entry.bytes;
      if (count > 0 && (bytes > MAX_MESSAGE_BYTES || count >= MAX_EVENTS)) break;
      count++;
    }
    return this.waiting.splice(0, count);
  }

  private numbered(event: UnnumberedEvent): UsageEvent {
    this.lastSeq++;
    return { ...event, producer: this.options.producer, producerSeq: String(this.lastSeq) };
  }

  private async send(entries: Entry[]): Promise<void> {
    const body: UsageBatch = {
      v: 1,
      producer: this.options.producer,
      events: entries.map(({ event, prediction }) => ({ event: this.numbered(event), prediction })),
    };
    await this.deliver(body, `${this.options.producer}:${body.events[0]?.event.producerSeq ?? '0'}`);
    this.counts.messages++;
    this.counts.events += entries.length;
    for (const entry of entries) {
      if (entry.state === 'waiting') {
        entry.state = 'stored';
        entry.resolve();
      } else if (entry.event.bodySha256 === undefined) this.reverse(entry.event);
    }
  }

  /** Tries until the stream has it: numbers once given are never given up, so that a gap always means a loss. */
  private async deliver(body: UsageBatch, id: string): Promise<void> {
    for (let tries = 0; ; tries++) {
      try {
        await this.options.store(subject.usage(this.options.producer), body, id, TRY_MS);
        if (this.failingSinceMs !== null) this.options.log.info('usage events are stored again');
        this.failingSinceMs = null;
        return;
      } catch (error) {
        if (this.failingSinceMs === null) {
          this.failingSinceMs = Date.now();
          this.options.log.warn({ err: error }, 'usage events cannot be stored; predictions are refused');
        }
        if (this.stopped && tries > 2) throw error;
        await new Promise((resolve) => setTimeout(resolve, Math.min(1000, 50 * 2 ** tries)));
      }
    }
  }

  /** The rows of a very large record in messages of their own, before the event that bills them. */
  private async sendRowsAhead(entry: Entry): Promise<void> {
    const { event, prediction } = entry;
    if (prediction === null) return;
    const about = { ...event, producer: this.options.producer, producerSeq: '0' };
    let from = 0;
    while (from < prediction.rows.length) {
      let to = from;
      let bytes = 0;
      while (to < prediction.rows.length && (to === from || bytes < MAX_MESSAGE_BYTES / 2)) {
        bytes += Buffer.byteLength(JSON.stringify([prediction.rows[to], prediction.outputs[to]]));
        to++;
      }
      const part = {
        id: prediction.id,
        rows: prediction.rows.slice(from, to),
        outputs: prediction.outputs.slice(from, to),
      };
      await this.deliver(
        {
          v: 1,
          producer: this.options.producer,
          events: [],
          more: [{ event: about, firstRow: from, prediction: part }],
        },
        `${this.options.producer}:${event.id}:${from}`,
      );
      from = to;
    }
    entry.prediction = { id: prediction.id, rows: [], outputs: [] };
  }

  private refuseOverdue(): void {
    const overdue = Date.now() - this.patienceMs;
    const refuse = (entry: Entry): void => {
      entry.state = 'refused';
      this.counts.refused++;
      entry.reject(unavailable());
    };
    for (const entry of this.inFlight)
      if (entry.state === 'waiting' && entry.sinceMs < overdue) refuse(entry);
    // What has no number yet is simply dropped: it was never used.
    this.waiting = this.waiting.filter((entry) => {
      if (entry.sinceMs >= overdue || entry.state !== 'waiting') return true;
      refuse(entry);
      return false;
    });
  }

  private reverse(event: UnnumberedEvent): void {
    this.counts.reversed++;
    const quantities = Object.fromEntries(
      Object.entries(event.quantities).map(([meter, quantity]) => [meter, String(-BigInt(quantity))]),
    );
    this.waiting.push({
      event: { ...event, id: newId(), key: `reversal:${event.id}`, quantities, reversalOf: event.id },
      prediction: null,
      bytes: 600,
      sinceMs: Number.MAX_SAFE_INTEGER,
      resolve: () => undefined,
      reject: () => undefined,
      state: 'waiting',
    });
  }

  /** Stores what is still waiting, for a few seconds at most. */
  async stop(): Promise<void> {
    this.stopped = true;
    const limit = new Promise<void>((resolve) => setTimeout(resolve, 3000).unref());
    await Promise.race([this.pumping, limit]);
    clearInterval(this.sweep);
    for (const entry of [...this.waiting, ...this.inFlight])
      if (entry.state === 'waiting') entry.reject(unavailable());
  }
}

const unavailable = (): Failure =>
  new Failure('METER_UNAVAILABLE', 'usage cannot be recorded at the moment, so nothing is answered', {
    hint: 'try again shortly; nothing was charged',
  });
