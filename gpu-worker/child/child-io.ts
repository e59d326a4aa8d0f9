import { basename, join } from 'node:path';
import { Failure } from '../../contracts';
import type { Epoch, Phase, Sink, Source, StoredFile } from '../../contracts';
import type { TaskIo } from '../task-io';
import { download, upload } from '../transfer';
import type { Content } from '../transfer';
import type { ChildProgress } from './protocol';

const PROGRESS_EVERY_MS = 20;

/** The task's side of files and progress; `tell` sends to the worker process. */
export class ChildIo implements TaskIo {
  private readonly waiting: Epoch[] = [];
  private latest: Omit<ChildProgress, 'epochs'> | null = null;
  private sentAt = -Infinity;
  private timer: NodeJS.Timeout | null = null;

  constructor(
    readonly scratchDir: string,
    readonly signal: AbortSignal,
    private readonly tell: (progress: ChildProgress) => void,
  ) {}

  async fetch(source: Source, name: string): Promise<string> {
    if (name !== basename(name) || name === '' || name.startsWith('.')) {
      throw new Failure('INTERNAL', `not a plain file name: ${JSON.stringify(name)}`);
    }
    const path = join(this.scratchDir, name);
    await download(source, path, this.signal);
    return path;
  }

  async store(sink: Sink, content: Content): Promise<StoredFile> {
    const stored = await upload(sink, content, this.signal);
    return { key: sink.key, sha256: stored.sha256, sizeBytes: stored.sizeBytes };
  }

  progress(
    phase: Phase,
    fraction: number,
    detail: { message?: string; epochs?: readonly Epoch[] } = {},
  ): void {
    const phaseChanged = this.latest?.phase !== phase;
    this.latest = {
      type: 'progress',
      phase,
      fraction: Math.min(1, Math.max(0, Number.isFinite(fraction) ? fraction : 0)),
      message: detail.message ?? null,
    };
    this.waiting.push(...(detail.epochs ?? []));
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
    this.tell({ ...this.latest, epochs: this.waiting.splice(0) });
  }
}
