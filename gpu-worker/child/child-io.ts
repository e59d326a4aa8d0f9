import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Failure, MOST_CHECKPOINT_BYTES } from '../../contracts';
import type { Epoch, Phase, Sink, Source, StoredFile, TrialReport } from '../../contracts';
import type { ProgressDetail, TrainingIo } from '../task-io';
import { download, upload } from '../transfer';
import type { Content } from '../transfer';
import { CheckpointSaver } from './checkpoint';
import type { ChildProgress } from './protocol';

const PROGRESS_EVERY_MS = 20;

/** The way to the worker process. */
export interface WorkerLink {
  tell(progress: ChildProgress): void;
  /** Where to store a checkpoint; null: not now. */
  askForSink(): Promise<Sink | null>;
}

/** The task's side of files and progress. */
export class ChildIo implements TrainingIo {
  private readonly waiting: Epoch[] = [];
  private readonly trials: TrialReport[] = [];
  private readonly saver: CheckpointSaver;
  private latest: Omit<ChildProgress, 'epochs' | 'trials'> | null = null;
  private sentAt = -Infinity;
  private timer: NodeJS.Timeout | null = null;

  constructor(
    readonly scratchDir: string,
    readonly signal: AbortSignal,
    private readonly link: WorkerLink,
    private readonly checkpoint: Source | null,
    private readonly endsAtMs: number,
  ) {
    this.saver = new CheckpointSaver({
      sink: () => link.askForSink(),
      store: (sink, bytes) => this.store(sink, { bytes }),
    });
  }

  async fetch(source: Source, name: string): Promise<string> {
    if (name !== basename(name) || name === '' || name.startsWith('.')) {
      throw new Failure('INTERNAL', `not a plain file name: ${JSON.stringify(name)}`);
    }
    const path = join(this.scratchDir, name);
    await download(source, path, this.signal);
    return path;
  }

  leftMs(): number {
    return this.endsAtMs - Date.now();
  }

  async store(sink: Sink, content: Content): Promise<StoredFile> {
    const stored = await upload(sink, content, this.signal);
    return { key: sink.key, sha256: stored.sha256, sizeBytes: stored.sizeBytes };
  }

  progress(phase: Phase, fraction: number, detail: ProgressDetail = {}): void {
    const phaseChanged = this.latest?.phase !== phase;
    this.latest = {
      type: 'progress',
      phase,
      fraction: Math.min(1, Math.max(0, Number.isFinite(fraction) ? fraction : 0)),
      message: detail.message ?? null,
    };
    this.waiting.push(...(detail.epochs ?? []));
    this.trials.push(...(detail.trials ?? []));
    const sinceMs = performance.now() - this.sentAt;
    // A new phase leaves at once; a timer alone would not do, because a chunk of training blocks the event loop.
    if (phaseChanged || sinceMs >= PROGRESS_EVERY_MS) this.flush();
    else this.timer ??= setTimeout(() => this.flush(), PROGRESS_EVERY_MS - sinceMs);
  }

  /** Sends what waits; called before the task's result leaves. */
  flush(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    if (this.latest === null) return;
    this.sentAt = performance.now();
    this.link.tell({ ...this.latest, epochs: this.waiting.splice(0), trials: this.trials.splice(0) });
  }

  async loadCheckpoint(): Promise<Uint8Array | null> {
    const source = this.checkpoint;
    if (source === null || (source.sizeBytes ?? Infinity) > MOST_CHECKPOINT_BYTES) return null;
    try {
      return await readFile(await this.fetch(source, 'checkpoint'));
    } catch (error) {
      if (this.signal.aborted) throw error;
      return null; // from the start, then
    }
  }

  offerCheckpoint(state: () => Uint8Array): void {
    this.saver.offer(state);
  }
}
