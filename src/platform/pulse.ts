import { subject } from '../../contracts';
import type { Logger } from './log';
import type { Messaging } from './messaging';

/** A gateway that has not heard itself for this long does not know what the others said either. */
const STALE_AFTER_MS = 1000;
const BEAT_MS = 200;

/**
 * The gateway's own heartbeat through NATS. While it arrives, so do the messages that say what changed, and what a cache
 * holds may be used without asking PostgreSQL; after a gap everything read before its end must be read again.
 */
export class Pulse {
  private timer: NodeJS.Timeout | undefined;
  private stopListening: (() => void) | undefined;
  private lastBeatMs = -Infinity;
  /** Beats came without a gap since then. Monotonic milliseconds, as all times here. */
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
    this.send();
  }
  stop(): void {
    clearInterval(this.timer);
    this.stopListening?.();
  }

  /** The moment to remember with what is read now, from before the reading started. */
  now(): number {
    return performance.now();
  }

  /** True while a value that was read at `readAtMs` (from `now()`) may still be trusted. */
  trusts(readAtMs: number): boolean {
    return this.alive && readAtMs >= this.unbrokenSinceMs;
  }

  get alive(): boolean {
    return performance.now() - this.lastBeatMs < STALE_AFTER_MS;
  }

  private send(): void {
    this.messaging.publish(subject.pulse(this.gatewayId), { v: 1 });
  }

  private beat(): void {
    const now = performance.now();
    if (now - this.lastBeatMs >= STALE_AFTER_MS) {
      // Messages of the gap are lost: whatever was read before now may be old.
      if (this.lastBeatMs !== -Infinity)
        this.log.warn({ gapMs: Math.round(now - this.lastBeatMs) }, 'pulse was lost; caches are stale');
      this.unbrokenSinceMs = now;
    }
    this.lastBeatMs = now;
  }
}
