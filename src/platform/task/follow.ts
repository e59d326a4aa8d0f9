import type { Messaging } from '../messaging';

/**
 * Listens from the moment it is made, so that a first look at the database can follow without a gap. `next` gives the
 * next message, or null after `pollMs` without one: what messages may have missed, the reader finds by looking again.
 */
export class Follower {
  private readonly waiting: unknown[] = [];
  private readonly stops: (() => void)[];
  private wake: () => void = () => undefined;

  constructor(
    messaging: Messaging,
    subjects: readonly string[],
    private readonly pollMs: number,
  ) {
    this.stops = subjects.map((subject) =>
      messaging.listen(subject, (body) => {
        this.waiting.push(body);
        this.wake();
      }),
    );
  }

  async next(): Promise<unknown> {
    if (this.waiting.length === 0) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
        timer = setTimeout(resolve, this.pollMs);
      });
      clearTimeout(timer);
    }
    return this.waiting.shift() ?? null;
  }

  stop(): void {
    for (const stop of this.stops) stop();
    this.wake();
  }
}
