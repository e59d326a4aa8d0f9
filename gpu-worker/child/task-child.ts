import type { Sink, Source, TaskPayload, TaskResult } from '../../contracts';
import { MemoryWatch, spawnLimited } from '../limits';
import type { LimitedProcess, ProcessLimits } from '../limits';
import { FromChild } from './protocol';
import type { ChildFailure, ChildProgress, TaskGroup, ToChild } from './protocol';

export interface ChildCommand {
  readonly script: string;
  readonly group: TaskGroup;
  readonly env: Readonly<Record<string, string>>;
  /** An empty folder: a model's relative references find nothing in it. */
  readonly cwd: string;
  readonly limits: ProcessLimits;
}

export interface ChildTask {
  readonly payload: TaskPayload;
  readonly scratchDir: string;
  readonly checkpoint: Source | null;
  readonly endsAtMs: number;
}

/** What a task's process asks of the worker while it runs. */
export interface ChildHost {
  progress(progress: ChildProgress): void;
  /** Never rejects; null: not now. */
  checkpointSink(): Promise<Sink | null>;
}

/** How a task's process ended. */
export type ChildEnding =
  | { readonly kind: 'done'; readonly result: TaskResult }
  | { readonly kind: 'failed'; readonly failure: ChildFailure }
  /** It said something that the contract does not know. */
  | { readonly kind: 'garbled' }
  | { readonly kind: 'out-of-memory'; readonly peakBytes: number }
  | { readonly kind: 'died'; readonly exitCode: number | null; readonly signal: NodeJS.Signals | null };

const DIED_OF_MEMORY = /out of memory|bad_alloc|allocation failed|cannot allocate memory/i;
/** A process that vanished by SIGKILL above this share of its limit was taken by the system for its memory. */
const NEAR_LIMIT = 0.8;

/** One pre-spawned process that serves one task and is then gone. */
export class TaskChild {
  readonly exited: Promise<void>;
  /** Resolves true once the modules are loaded, false when the process ends before. */
  readonly ready: Promise<boolean>;
  private readonly limited: LimitedProcess;
  private alive = true;

  constructor(private readonly command: ChildCommand) {
    this.limited = spawnLimited({
      script: command.script,
      args: [command.group, String(process.pid)],
      env: command.env,
      cwd: command.cwd,
      limits: command.limits,
    });
    const child = this.limited.process;
    this.exited = new Promise((resolve) => {
      const end = () => {
        this.alive = false;
        resolve();
      };
      // 'close' and not 'exit': what the child sent before it ended has been received by then.
      child.once('close', end);
      if (child.pid === undefined) child.once('error', end);
    });
    this.ready = new Promise((resolve) => {
      child.once('message', (message) => resolve(FromChild.safeParse(message).data?.type === 'ready'));
      void this.exited.then(() => resolve(false));
    });
  }

  get pid(): number | undefined {
    return this.limited.process.pid;
  }
  get isAlive(): boolean {
    return this.alive;
  }
  stderrTail(): string {
    return this.limited.stderrTail();
  }

  /** Runs the task; resolves with its ending, never rejects. To be called once. */
  run(task: ChildTask, host: ChildHost): Promise<ChildEnding> {
    return new Promise((resolve) => {
      const { pid } = this;
      let overLimit = false;
      const watch =
        pid === undefined
          ? null
          : new MemoryWatch(pid, this.command.limits.memoryBytes, () => {
              overLimit = true;
              this.kill();
            });
      const child = this.limited.process;
      const settle = (ending: ChildEnding) => {
        watch?.stop();
        resolve(ending);
      };
      child.on('message', (raw) => {
        const message = FromChild.safeParse(raw).data;
        if (message === undefined) {
          const type: unknown = typeof raw === 'object' && raw !== null && 'type' in raw ? raw.type : null;
          // A progress report that cannot be read costs nothing; a result or failure that cannot be read is an ending.
          if (type === 'done' || type === 'failed') settle({ kind: 'garbled' });
          return;
        }
        if (message.type === 'progress') host.progress(message);
        else if (message.type === 'checkpoint')
          void host.checkpointSink().then((sink) => this.send({ type: 'sink', sink }));
        else if (message.type === 'done') settle({ kind: 'done', result: message.result });
        else if (message.type === 'failed') settle({ kind: 'failed', failure: message });
      });
      void this.exited.then(() => {
        const { exitCode, signalCode } = child;
        const peakBytes = watch?.peakBytes ?? 0;
        const memory =
          overLimit ||
          DIED_OF_MEMORY.test(this.stderrTail()) ||
          (signalCode !== null && peakBytes > this.command.limits.memoryBytes * NEAR_LIMIT);
        settle(
          memory ? { kind: 'out-of-memory', peakBytes } : { kind: 'died', exitCode, signal: signalCode },
        );
      });
      this.send({ type: 'run', ...task });
    });
  }

  /** Asks the task to stop at its next opportunity. */
  abort(): void {
    this.send({ type: 'abort' });
  }

  /** Ends the process at once, whatever it is doing. */
  kill(): void {
    if (this.alive) this.limited.process.kill('SIGKILL');
  }

  private send(message: ToChild): void {
    // A process that is gone cannot be told anything; its end is reported by `exited`.
    if (this.limited.process.connected) this.limited.process.send(message, () => undefined);
  }
}
