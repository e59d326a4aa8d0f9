import type { Epoch, Phase, Sink, Source, StoredFile, TrialReport } from '../contracts';

export interface ProgressDetail {
  readonly message?: string;
  readonly epochs?: readonly Epoch[];
  readonly trials?: readonly TrialReport[];
}

/** What a running task may touch: a scratch folder of its own, files by signed URL, and a voice. */
export interface TaskIo {
  /** Empty folder, removed when the task ends. */
  readonly scratchDir: string;
  /** Aborted on cancel, lost lease or timeout; work between chunks must look at it. */
  readonly signal: AbortSignal;
  /** Downloads to `scratchDir/name`, checks size and sha-256 where given; fails with DATASET_CHANGED when they differ. */
  fetch(source: Source, name: string): Promise<string>;
  /** Uploads a local file or bytes; resolves when the store has acknowledged them. */
  store(sink: Sink, content: { path: string } | { bytes: Uint8Array }): Promise<StoredFile>;
  /**
   * Live progress; cheap to call, at most one message per 20 ms leaves the process, epochs and news of trials are never
   * dropped.
   */
  progress(phase: Phase, fraction: number, detail?: ProgressDetail): void;
}

/** What a training gets besides: a way to go on where a killed process was. */
export interface TrainingIo extends TaskIo {
  /** Milliseconds until the task is ended, whatever it has by then. */
  leftMs(): number;
  /** What an earlier attempt of this task saved last; null at the first, and where nothing usable was saved. */
  loadCheckpoint(): Promise<Uint8Array | null>;
  /**
   * Called between chunks, as often as one likes: `state` is asked for at most every few seconds, and stored while the
   * work goes on.
   */
  offerCheckpoint(state: () => Uint8Array): void;
}
