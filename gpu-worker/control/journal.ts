import type { Epoch, Progress, TrialReport } from '../../contracts';

/** Keeps a heartbeat well below the message limit of the server (1 MiB by default). */
const EPOCHS_PER_HEARTBEAT = 1000;
const TRIALS_PER_HEARTBEAT = 50;

/** Remembers progress until a heartbeat that carried it was acknowledged: a lost heartbeat loses nothing. */
export class ProgressJournal {
  private latest: Progress | null = null;
  private unacknowledged: Epoch[] = [];
  private trials: TrialReport[] = [];
  private dirty = false;

  add(progress: Progress): void {
    this.latest = progress;
    this.unacknowledged.push(...progress.epochs);
    this.trials.push(...(progress.trials ?? []));
    this.dirty = true;
  }

  /** What the next heartbeat says: the newest progress, and the oldest epochs and trials that nobody acknowledged yet. */
  report(): Progress | null {
    if (this.latest === null) return null;
    this.dirty = false;
    return {
      ...this.latest,
      epochs: this.unacknowledged.slice(0, EPOCHS_PER_HEARTBEAT),
      trials: this.trials.slice(0, TRIALS_PER_HEARTBEAT),
    };
  }

  acknowledged(report: Progress | null): void {
    if (report === null) return;
    const seen = new Set<unknown>([...report.epochs, ...(report.trials ?? [])]);
    this.unacknowledged = this.unacknowledged.filter((epoch) => !seen.has(epoch));
    this.trials = this.trials.filter((trial) => !seen.has(trial));
  }

  refused(): void {
    this.dirty = true;
  }

  /** True while something was said that no acknowledged heartbeat carried. */
  get isOwing(): boolean {
    return this.dirty || this.unacknowledged.length > 0 || this.trials.length > 0;
  }
}
