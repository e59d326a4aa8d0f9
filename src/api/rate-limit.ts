import { Failure } from '../../contracts';
import type { Clock } from '../platform/clock';

interface Bucket {
  tokens: number;
  atMs: number;
}

const MOST_BUCKETS = 100_000;

/** Token buckets: `perSecond` requests for each key in the long run, `burst` at once. Bounded; forgets full buckets. */
export class RateLimit {
  private readonly buckets = new Map<string, Bucket>();

  constructor(
    private readonly perSecond: number,
    private readonly burst: number,
    private readonly clock: Clock,
  ) {}

  /** Takes one token; fails with RATE_LIMITED and the seconds to wait in `hint`. */
  take(key: string): void {
    const waitS = this.tryTake(key);
    if (waitS > 0) throw new RateLimited(Math.max(1, Math.ceil(waitS)));
  }

  /** Seconds until a token is there; 0 when one was taken. */
  private tryTake(key: string): number {
    const now = this.clock.now().getTime();
    const bucket = this.buckets.get(key) ?? { tokens: this.burst, atMs: now };
    bucket.tokens = Math.min(
      this.burst,
      bucket.tokens + (Math.max(0, now - bucket.atMs) / 1000) * this.perSecond,
    );
    bucket.atMs = now;
    // Last used goes last; what was not used for longest goes first.
    this.buckets.delete(key);
    this.buckets.set(key, bucket);
    if (this.buckets.size > MOST_BUCKETS) {
      for (const oldest of this.buckets.keys()) {
        this.buckets.delete(oldest);
        break;
      }
    }
    if (bucket.tokens < 1) return (1 - bucket.tokens) / this.perSecond;
    bucket.tokens -= 1;
    return 0;
  }
}

export class RateLimited extends Failure {
  constructor(readonly retryAfterS: number) {
    super('RATE_LIMITED', 'too many requests', { hint: `try again in ${retryAfterS} s` });
  }
}
