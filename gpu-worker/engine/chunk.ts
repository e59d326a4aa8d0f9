/** How many steps one `session.run` holds: enough to hide its cost, few enough that a cancel is heard. */
const TARGET_MS = 200;
/** A first chunk this short measures the rest. */
const FIRST_STEPS = 8;
/** What one run may be fed at most, so that memory does not grow with the data. */
const MOST_FED_BYTES = 32 * 2 ** 20;

export class ChunkSize {
  private stepMs: number | undefined;
  private readonly mostSteps: number;

  constructor(bytesPerStep: number) {
    this.mostSteps = Math.max(1, Math.floor(MOST_FED_BYTES / bytesPerStep));
  }

  /** Steps of the next run, out of `left` in this epoch. Has no influence on the result, only on its timing. */
  next(left: number): number {
    const wanted = this.stepMs === undefined ? FIRST_STEPS : Math.max(1, Math.round(TARGET_MS / this.stepMs));
    return Math.min(left, wanted, this.mostSteps);
  }

  measured(steps: number, elapsedMs: number): void {
    const now = Math.max(elapsedMs, 0.01) / steps;
    this.stepMs = this.stepMs === undefined ? now : 0.7 * this.stepMs + 0.3 * now;
  }
}
