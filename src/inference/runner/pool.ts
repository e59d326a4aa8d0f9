import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asFailure, Failure } from '../../../contracts';
import type { Logger } from '../../platform/log';
import { Lane, joinBatches, splitOutputs, weightOf } from './lane';
import type { Batch, PendingRun } from './lane';
import { ModelFiles, fileKey } from './model-files';
import type { OpenFile, ServedFile } from './model-files';
import { Runner, RunnerLost } from './runner';
import type { RunnerLimits } from './runner';
import type { RunOutputs } from './protocol';

export interface RunnerPoolOptions {
  /** Processes that are always there, beside one in reserve. */
  readonly runners: number;
  readonly limits: RunnerLimits;
  readonly openFile: OpenFile;
  readonly log: Logger;
  /** The compiled `runner.main.js`; the one beside this module unless a test says otherwise. */
  readonly entry?: string;
}

const WATCH_MS = 50;
/** When everything that is ready has waited this long behind long runs, a further process is started. */
const HELD_UP_MS = 100;
const EXTRA_RUNNERS = 4;
const EXTRA_IDLE_MS = 30_000;
/** A version that broke a limit shares one process with its like for this long. */
const CONFINED_MS = 60_000;
const MAX_WAITING_ROWS = 100_000;
const MAX_WAITING_RUNS = 5_000;
/** A session holds weights, packed weights and graph: about twice the file. */
const sessionBytes = (file: ServedFile): number => 2 * file.onnx.sizeBytes + 512 * 1024;

/**
 * Runner processes and what waits for them. A version has one run under way at a time, and requests that arrive
 * meanwhile go into its next run together. A run that breaks a limit costs its process; others go on in the rest.
 */
export class RunnerPool {
  private readonly lanes = new Map<string, Lane>();
  private readonly strikes = new Map<string, number>();
  private runners: Runner[] = [];
  private confinedRunning = false;
  private stopping = false;
  private heldUpFromMs: number | null = null;
  private failedStarts = 0;
  /** Runs and requests so far: their ratio shows what coalescing saves. */
  readonly counts = { requests: 0, runs: 0, killed: 0, replaced: 0 };

  private constructor(
    private readonly options: RunnerPoolOptions,
    private readonly folder: string,
    private readonly files: ModelFiles,
  ) {
    for (let i = 0; i < this.size; i++) this.start();
    this.watch = setInterval(() => void this.check(), WATCH_MS);
    this.watch.unref();
  }
  private readonly watch: NodeJS.Timeout;

  static async start(options: RunnerPoolOptions): Promise<RunnerPool> {
    const folder = await mkdtemp(join(tmpdir(), 'modelmint-runner-'));
    const files = new ModelFiles(`${folder}-files`, options.openFile, options.limits.cacheBytes * 2);
    return new RunnerPool(options, folder, files);
  }

  private get size(): number {
    return this.options.runners + 1;
  }

  get pids(): number[] {
    return this.runners.flatMap((runner) => (runner.pid === undefined ? [] : [runner.pid]));
  }

  /** Resolves when a runner can take work. */
  async ready(timeoutMs = 10_000): Promise<void> {
    const until = Date.now() + timeoutMs;
    while (!this.runners.some((runner) => !runner.isStarting && !runner.isDead)) {
      if (Date.now() > until) throw new Failure('UNAVAILABLE', 'no runner process came up');
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /**
   * Answers a batch of typed rows. Fails with MODEL_TIMEOUT, MODEL_OUT_OF_MEMORY or MODEL_FAILED when the model
   * misbehaves, with OVERLOADED when too much is waiting.
   */
  run(file: ServedFile, batch: Batch): Promise<RunOutputs> {
    if (this.stopping) return Promise.reject(new Failure('UNAVAILABLE', 'the gateway is stopping'));
    const lane = this.lane(file);
    const weight = weightOf(batch);
    if (lane.waiting.length >= MAX_WAITING_RUNS || lane.waitingWeight + weight > MAX_WAITING_ROWS)
      return Promise.reject(
        new Failure('OVERLOADED', 'too many predictions are waiting for this model', {
          hint: 'try again shortly',
        }),
      );
    this.counts.requests++;
    return new Promise((resolve, reject) => {
      lane.waiting.push({ batch, weight, resolve, reject, alone: false, retried: false });
      if (lane.path === null) void this.locate(lane);
      else this.dispatch();
    });
  }

  private lane(file: ServedFile): Lane {
    const key = fileKey(file);
    let lane = this.lanes.get(key);
    if (!lane) {
      lane = new Lane(file);
      this.lanes.set(key, lane);
    }
    return lane;
  }

  private async locate(lane: Lane): Promise<void> {
    try {
      lane.path = await this.files.path(lane.file);
      this.dispatch();
    } catch (error) {
      this.lanes.delete(lane.key);
      for (const pending of lane.waiting) pending.reject(error);
    }
  }

  /** Gives every lane that is ready a runner, oldest lane first, while runners are idle. */
  private dispatch(): void {
    for (const lane of this.lanes.values()) {
      if (lane.waiting.length === 0 && !lane.running) {
        this.lanes.delete(lane.key);
        continue;
      }
      if (lane.running || lane.path === null) continue;
      const confined = this.isConfined(lane.key);
      if (confined && this.confinedRunning) continue;
      const runner = this.choose(lane.key);
      if (runner === null) return;
      void this.serve(lane, lane.path, runner, confined);
    }
    this.heldUpFromMs = null;
  }

  private choose(key: string): Runner | null {
    let best: Runner | null = null;
    for (const runner of this.runners) {
      if (!runner.isIdle) continue;
      if (runner.holds(key)) return runner;
      if (best === null || runner.cachedBytes < best.cachedBytes) best = runner;
    }
    if (best === null) this.heldUpFromMs ??= Date.now();
    return best;
  }

  private isConfined(key: string): boolean {
    const until = this.strikes.get(key);
    if (until === undefined) return false;
    if (until > Date.now()) return true;
    this.strikes.delete(key);
    return false;
  }

  private async serve(lane: Lane, path: string, runner: Runner, confined: boolean): Promise<void> {
    lane.running = true;
    runner.reserved = true;
    if (confined) this.confinedRunning = true;
    let taken: PendingRun[] = [];
    try {
      if (!runner.holds(lane.key)) await runner.load(lane.key, path, sessionBytes(lane.file));
      taken = lane.take();
      if (taken.length > 0) {
        const batches = taken.map((pending) => pending.batch);
        const { rows, columns } = joinBatches(batches);
        this.counts.runs++;
        const parts = splitOutputs(await runner.run(lane.key, rows, columns), batches);
        taken.forEach((pending, index) => pending.resolve(parts[index]));
      }
    } catch (error) {
      // A load that failed takes down what waits for it; a run only what was in it.
      this.settle(lane, taken.length > 0 ? taken : lane.waiting.splice(0), error, runner);
    } finally {
      lane.running = false;
      runner.reserved = false;
      if (confined) this.confinedRunning = false;
      // Behind the others: every lane gets its turn.
      this.lanes.delete(lane.key);
      this.lanes.set(lane.key, lane);
      this.dispatch();
    }
  }

  private settle(lane: Lane, failed: readonly PendingRun[], error: unknown, runner: Runner): void {
    if (error instanceof RunnerLost) {
      const again = failed.filter((pending) => !pending.retried);
      for (const pending of again) pending.retried = true;
      lane.waiting.unshift(...again);
      const given = new Failure('MODEL_FAILED', 'the process that ran the model ended twice', {
        cause: error,
      });
      if (again.length < failed.length) this.strike(lane);
      for (const pending of failed) if (!again.includes(pending)) pending.reject(given);
      return;
    }
    const failure = asFailure(error);
    if (failure.code === 'MODEL_TIMEOUT' || failure.code === 'MODEL_OUT_OF_MEMORY') {
      this.strike(lane);
      // A process that ran out of memory cleanly still has a heap that nobody knows: take a new one.
      runner.kill(failure);
    } else if (failed.length > 1) {
      // One request's values may have spoilt the run: each gets its own answer.
      for (const pending of failed) pending.alone = true;
      lane.waiting.unshift(...failed);
      return;
    }
    for (const pending of failed) pending.reject(failure);
  }

  private strike(lane: Lane): void {
    this.strikes.set(lane.key, Date.now() + CONFINED_MS);
    this.counts.killed++;
  }

  private start(): void {
    const { entry, limits, log } = this.options;
    const runner: Runner = new Runner(
      { entry: entry ?? join(__dirname, '..', 'runner.main.js'), folder: this.folder, limits, log },
      () => {
        if (runner.isDead) this.replace(runner);
        else {
          this.failedStarts = 0;
          this.dispatch();
        }
      },
    );
    this.runners.push(runner);
  }

  private replace(dead: Runner): void {
    if (!this.runners.includes(dead)) return;
    this.runners = this.runners.filter((runner) => runner !== dead);
    if (this.stopping || this.runners.length >= this.size) return;
    this.counts.replaced++;
    // At once after a run; with growing pauses when processes die as they start.
    const pauseMs =
      dead.isStarting || Date.now() - dead.startedMs < 200
        ? Math.min(5000, 50 * 2 ** this.failedStarts++)
        : 0;
    if (pauseMs === 0) this.start();
    else setTimeout(() => !this.stopping && this.start(), pauseMs).unref();
  }

  private async check(): Promise<void> {
    await Promise.all(this.runners.map((runner) => runner.enforceLimits()));
    if (this.stopping) return;
    const now = Date.now();
    if (
      this.heldUpFromMs !== null &&
      now - this.heldUpFromMs > HELD_UP_MS &&
      this.runners.length < this.size + EXTRA_RUNNERS &&
      !this.runners.some((runner) => runner.isStarting) &&
      this.runners.every((runner) => runner.busyMs > HELD_UP_MS)
    )
      this.start();
    const extra = this.runners.length - this.size;
    if (extra > 0) this.runners.find((runner) => runner.idleMs > EXTRA_IDLE_MS)?.kill();
  }

  /** Ends every process. Waiting requests are answered UNAVAILABLE. */
  async stop(): Promise<void> {
    this.stopping = true;
    clearInterval(this.watch);
    for (const lane of this.lanes.values())
      for (const pending of lane.waiting.splice(0))
        pending.reject(new Failure('UNAVAILABLE', 'the gateway is stopping'));
    const { runners } = this;
    for (const runner of runners) runner.kill(new Failure('UNAVAILABLE', 'the gateway is stopping'));
    await Promise.all(runners.map((runner) => runner.ended));
    await this.files.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}
