import { subject } from '../../contracts';
import type { Logger } from './log';
import type { Messaging } from './messaging';

/** A gateway that has not heard itself for this long does not know what the others said either. */
const STALE_AFTER_MS = 1000;
const BEAT_MS = 200;
const TICK_MS = 50;
/** A step of the clock counts for no more than this: while the process stood still it served nothing and missed nothing. */
const LONGEST_STEP_MS = 150;

/**
 * The gateway's own heartbeat through NATS. While it arrives, so do the messages that say what changed, and what a cache
 * holds may be used without asking PostgreSQL; during a gap it may not. A gap in which the connection broke has lost
 * messages: everything read before its end must be read again. Over a connection that held they were only late, and came
 * before the beat that ends the gap.
 */
export class Pulse {
  private timer: NodeJS.Timeout | undefined;
  private stopListening: (() => void) | undefined;
  private ticker: NodeJS.Timeout | undefined;
  private awakeMs = 0;
  private tickedAtMs = performance.now();
  private lastBeatMs = -Infinity;
  /** Breaks of the connection that were known at the last beat. */
  private breaks = 0;
  /** No message was lost since then. Milliseconds that the process was awake, as all times here. */
  private unbrokenSinceMs = Infinity;

  constructor(
    private readonly messaging: Messaging,
    private readonly gatewayId: string,
    private readonly log: Logger,
  ) {}

  start(): void {
    this.stopListening = this.messaging.listen(subject.pulse(this.gatewayId), () => this.beat());
    this.timer = setInterval(() => this.send(), BEAT_MS);
    this.timer.unref();
    this.tick();
    this.ticker = setInterval(() => this.tick(), TICK_MS);
    this.ticker.unref();
    this.send();
  }
  stop(): void {
    clearInterval(this.timer);
    clearInterval(this.ticker);
    this.stopListening?.();
  }

  /** The moment to remember with what is read now, from before the reading started. */
  now(): number {
    return this.awakeMs + Math.min(performance.now() - this.tickedAtMs, LONGEST_STEP_MS);
  }

  /** True while a value that was read at `readAtMs` (from `now()`) may still be trusted. */
  trusts(readAtMs: number): boolean {
    return this.alive && readAtMs >= this.unbrokenSinceMs;
  }

  get alive(): boolean {
    return this.now() - this.lastBeatMs < STALE_AFTER_MS;
  }

  /** A busy machine may hold the process up for longer than a beat; what NATS sent meanwhile is waiting in the socket. */
  private tick(): void {
    this.awakeMs = this.now();
    this.tickedAtMs = performance.now();
  }

  private send(): void {
    this.messaging.publish(subject.pulse(this.gatewayId), { v: 1 });
  }

  private beat(): void {
    const now = this.now();
    const { breaks } = this.messaging;
    const first = this.lastBeatMs === -Infinity;
    if (first || breaks !== this.breaks) {
      if (!first)
        this.log.warn(
          { gapMs: Math.round(now - this.lastBeatMs) },
          'the connection to NATS broke; caches are stale',
        );
      this.unbrokenSinceMs = now;
    }
    this.breaks = breaks;
    this.lastBeatMs = now;
  }
}
