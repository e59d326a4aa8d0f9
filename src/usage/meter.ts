/**
 * The producer side of metering: an answer that is billed leaves only after JetStream stored its event. Events of
 * concurrent requests travel in one message, formed while the one before is under way: no timer, no added delay.
 */
import { Failure, subject } from '../../contracts';
import type { PredictionRecord, UsageBatch, UsageEvent } from '../../contracts';
import { newId } from '../platform/ids';
import type { Logger } from '../platform/log';
import { mostJsonBytes } from './json-size';

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
  readonly prediction: PredictionRecord | null;
  /** The rows of a record too large for one message, in messages of their own. */
  readonly ahead: readonly Part[];
  /** Of event and record; the event of a very large one travels alone, behind its rows. */
  readonly bytes: number;
  readonly sinceMs: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
  state: 'waiting' | 'stored' | 'refused';
}

interface Part {
  readonly firstRow: number;
  readonly prediction: PredictionRecord;
}

/** What a message holds of small things; NATS refuses messages beyond 1 MiB. */
const MAX_MESSAGE_BYTES = 700_000;
/** A row and its answer travel in one message. */
const MAX_ROW_BYTES = 1_000_000;
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
   * Resolves when the event is stored. Fails with PAYLOAD_TOO_LARGE, and stores nothing, where a row with its answer is too
   * large to be logged; with METER_UNAVAILABLE when the event was not stored within the patience; an event that may have
   * been stored all the same is reversed, unless its key is the caller's own: then a repeat is free.
   */
  async store(event: UnnumberedEvent, record: PredictionRecord | null): Promise<void> {
    if (this.stopped) throw new Failure('UNAVAILABLE', 'the gateway is stopping');
    const { bytes, ahead } = measured(record);
    const prediction = record !== null && ahead.length > 0 ? { ...record, rows: [], outputs: [] } : record;
    return new Promise((resolve, reject) => {
      const sinceMs = Date.now();
      this.waiting.push({ event, prediction, ahead, bytes, sinceMs, resolve, reject, state: 'waiting' });
      this.pumping ??= this.pump();
    });
  }

  private async pump(): Promise<void> {
    await Promise.resolve(); // requests of the same turn travel together
    try {
      while (this.waiting.length > 0) {
        this.inFlight = this.take();
        const [first] = this.inFlight;
        if (first !== undefined) await this.sendAhead(first);
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

  /** Before the event that bills them. */
  private async sendAhead({ event, ahead }: Entry): Promise<void> {
    const { producer } = this.options;
    const about = { ...event, producer, producerSeq: '0' };
    for (const { firstRow, prediction } of ahead) {
      const body: UsageBatch = { v: 1, producer, events: [], more: [{ event: about, firstRow, prediction }] };
      await this.deliver(body, `${producer}:${event.id}:${firstRow}`);
    }
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
      ahead: [],
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

const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

const measured = (record: PredictionRecord | null): Pick<Entry, 'bytes' | 'ahead'> => {
  const bytes = 600 + bytesOf(record);
  return { bytes, ahead: record !== null && bytes > MAX_MESSAGE_BYTES ? partsOf(record) : [] };
};

/** Fails with PAYLOAD_TOO_LARGE as `store` would: for a record that sampling leaves out, of which no text is needed. */
export const assertLoggable = ({ rows, outputs }: PredictionRecord): void => {
  for (const [at, row] of rows.entries())
    if (mostJsonBytes([row, outputs[at]]) > MAX_ROW_BYTES) rowBytes(at, row, outputs[at]);
};

type Rows = PredictionRecord['rows'];
type Outputs = PredictionRecord['outputs'];

/** Of a row with its answer. Fails with PAYLOAD_TOO_LARGE where they do not fit into a message of their own. */
const rowBytes = (at: number, row: Rows[number], output: Outputs[number]): number => {
  const size = bytesOf([row, output]);
  if (size <= MAX_ROW_BYTES) return size;
  throw new Failure(
    'PAYLOAD_TOO_LARGE',
    `row ${at} and its answer are too large to be logged: ${size} bytes`,
    {
      path: ['rows', at],
      hint: `they may have ${MAX_ROW_BYTES} bytes together where the scenario keeps a log: send less, or switch it off`,
    },
  );
};

/** Rows with their answers, as many to a message as it holds. */
const partsOf = ({ id, rows, outputs }: PredictionRecord): Part[] => {
  const parts: Part[] = [];
  let bytes = Infinity;
  for (const [at, row] of rows.entries()) {
    const size = rowBytes(at, row, outputs[at]);
    if (bytes + size > MAX_MESSAGE_BYTES) {
      parts.push({ firstRow: at, prediction: { id, rows: [], outputs: [] } });
      bytes = 0;
    }
    const { prediction } = parts[parts.length - 1];
    prediction.rows.push(row);
    prediction.outputs.push(outputs[at]);
    bytes += size;
  }
  return parts;
};

const unavailable = (): Failure =>
  new Failure('METER_UNAVAILABLE', 'usage cannot be recorded at the moment, so nothing is answered', {
    hint: 'try again shortly; nothing was charged',
  });
