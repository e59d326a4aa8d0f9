/** Lets the event loop breathe in a long calculation, and hears there that it is no longer wanted. */
const LONGEST_MS = 100;

export class Pause {
  private last = performance.now();
  constructor(private readonly signal: AbortSignal) {}

  due(): boolean {
    return performance.now() - this.last > LONGEST_MS;
  }

  /** @throws the signal's reason once it is aborted */
  async take(): Promise<void> {
    await new Promise(setImmediate);
    this.signal.throwIfAborted();
    this.last = performance.now();
  }
}
