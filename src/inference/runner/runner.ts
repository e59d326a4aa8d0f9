import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { Failure } from '../../../contracts';
import type { Logger } from '../../platform/log';
import { residentBytes, withDataLimit } from './process-memory';
import type { FromRunner, RunOutputs, ToRunner } from './protocol';

export interface RunnerLimits {
  /** Wall time of one run or one load. */
  readonly timeoutMs: number;
  /** Resident memory, and on Linux the data segment too. */
  readonly memoryBytes: number;
  /** Sum of the sessions that one runner keeps open. */
  readonly cacheBytes: number;
}

export interface RunnerOptions {
  readonly entry: string;
  /** An empty folder: the process's working directory. */
  readonly folder: string;
  readonly limits: RunnerLimits;
  readonly log: Logger;
}

interface Request {
  readonly id: number;
  readonly startedMs: number;
  readonly resolve: (outputs: RunOutputs | null) => void;
  readonly reject: (error: Error) => void;
}

/** The process died under a request for a reason that is not known to be the model's: it may be tried once more. */
export class RunnerLost extends Error {
  constructor(how: string) {
    super(`the runner process ended (${how})`);
    this.name = 'RunnerLost';
  }
}

/** One runner process. Does one thing at a time; a request that breaks a limit costs the process its life. */
export class Runner {
  readonly startedMs = Date.now();
  /** Open sessions and their size, least recently used first. */
  private readonly sessions = new Map<string, number>();
  private readonly child: ChildProcess;
  private request: Request | null = null;
  private lastId = 0;
  private ready = false;
  private dead = false;
  private killedFor: Failure | null = null;
  private idleFromMs = Date.now();
  /** Taken by one lane for a load and the run after it. */
  reserved = false;
  readonly ended: Promise<void>;

  constructor(
    private readonly options: RunnerOptions,
    /** It has come up, or ended. */
    private readonly whenChanged: () => void,
  ) {
    const { entry, folder, limits } = options;
    const { command, args } = withDataLimit(limits.memoryBytes, process.execPath, [
      // Two V8 helper threads instead of one per core: their stacks count against the memory limit.
      '--v8-pool-size=2',
      '--max-old-space-size=256',
      entry,
      String(process.pid),
    ]);
    this.child = spawn(command, args, {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      serialization: 'advanced',
      cwd: folder,
      env: { UV_THREADPOOL_SIZE: '2', MALLOC_ARENA_MAX: '2' },
    });
    this.child.on('message', (message) => this.receive(message as FromRunner));
    this.child.on('error', (error) => options.log.error({ err: error }, 'runner process error'));
    this.ended = new Promise((resolve) => {
      this.child.once('exit', (code, signal) => {
        this.end(signal ?? `exit code ${code ?? 'unknown'}`);
        resolve();
      });
      // A process that could not be started has no exit event.
      this.child.once('error', () => {
        if (this.child.pid === undefined) {
          this.end('not started');
          resolve();
        }
      });
    });
  }

  get pid(): number | undefined {
    return this.child.pid;
  }
  get isIdle(): boolean {
    return this.ready && !this.dead && this.request === null && !this.reserved;
  }
  get isDead(): boolean {
    return this.dead;
  }
  get isStarting(): boolean {
    return !this.ready && !this.dead;
  }
  get idleMs(): number {
    return this.isIdle ? Date.now() - this.idleFromMs : 0;
  }
  get busyMs(): number {
    return this.request === null ? 0 : Date.now() - this.request.startedMs;
  }
  get cachedBytes(): number {
    let sum = 0;
    for (const bytes of this.sessions.values()) sum += bytes;
    return sum;
  }
  holds(model: string): boolean {
    return this.sessions.has(model);
  }

  /** Opens a session, closing the least recently used ones until it fits the budget. */
  async load(model: string, path: string, bytes: number): Promise<void> {
    for (const [other] of this.sessions) {
      if (this.cachedBytes + bytes <= this.options.limits.cacheBytes) break;
      this.sessions.delete(other);
      this.post({ t: 'drop', model: other });
    }
    await this.ask((id) => ({ t: 'load', id, model, path }));
    this.sessions.set(model, bytes);
  }

  async run(
    model: string,
    rows: number,
    columns: Extract<ToRunner, { t: 'run' }>['columns'],
  ): Promise<RunOutputs> {
    const bytes = this.sessions.get(model) ?? 0;
    this.sessions.delete(model);
    this.sessions.set(model, bytes); // now the most recently used
    const outputs = await this.ask((id) => ({ t: 'run', id, model, rows, columns }));
    if (outputs === null) throw new Failure('INTERNAL', 'the runner answered nothing');
    return outputs;
  }

  private ask(message: (id: number) => ToRunner): Promise<RunOutputs | null> {
    if (this.dead || this.request !== null) return Promise.reject(new RunnerLost('gone'));
    return new Promise((resolve, reject) => {
      this.request = { id: ++this.lastId, startedMs: Date.now(), resolve, reject };
      this.post(message(this.lastId));
    });
  }

  private post(message: ToRunner): void {
    if (!this.dead && this.child.connected) this.child.send(message, () => undefined);
  }

  private receive(message: FromRunner): void {
    if (message.t === 'ready') {
      this.ready = true;
      this.idleFromMs = Date.now();
      return this.whenChanged();
    }
    const request = this.request;
    if (request === null || request.id !== message.id) return;
    this.request = null;
    this.idleFromMs = Date.now();
    if (message.t === 'done') request.resolve(message.outputs);
    else request.reject(new Failure(message.code, message.message));
  }

  /** Called by the pool's watch; kills the process when what it does breaks a limit. */
  async enforceLimits(): Promise<void> {
    const { request } = this;
    const { timeoutMs, memoryBytes } = this.options.limits;
    if (this.dead || this.pid === undefined) return;
    if (request !== null && this.busyMs > timeoutMs)
      return this.kill(
        new Failure('MODEL_TIMEOUT', `the model did not answer within ${timeoutMs} ms and was stopped`),
      );
    const resident = await residentBytes(this.pid);
    if (resident !== null && resident > memoryBytes)
      this.kill(new Failure('MODEL_OUT_OF_MEMORY', 'the model needs more memory than a model may use'));
  }

  kill(reason: Failure | null = null): void {
    if (this.dead) return;
    this.killedFor = reason;
    this.child.kill('SIGKILL');
    this.end('killed');
  }

  private end(how: string): void {
    if (this.dead) return;
    this.dead = true;
    const { request } = this;
    this.request = null;
    // V8 and libstdc++ abort when the kernel refuses them memory.
    const outOfMemory = how === 'SIGABRT' || how === 'SIGTRAP';
    request?.reject(
      this.killedFor ??
        (outOfMemory
          ? new Failure('MODEL_OUT_OF_MEMORY', 'the model needs more memory than a model may use')
          : new RunnerLost(how)),
    );
    if (how !== 'killed') this.options.log.warn({ pid: this.pid, how }, 'runner process ended');
    this.whenChanged();
  }
}
