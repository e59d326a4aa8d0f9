/** The task child: waits warm, runs exactly one task, says how it ended, and is done. */
import { asFailure, Failure, isFailureCode } from '../../contracts';
import type { Sink, TaskPayload, TaskResult } from '../../contracts';
import { dieWithParent } from '../limits';
import { errorOrigin } from '../log';
import type { TrainingIo } from '../task-io';
import { ChildIo } from './child-io';
import type { WorkerLink } from './child-io';
import { ToChild } from './protocol';
import type { ChildFailure, FromChild } from './protocol';

/** What one group of tasks needs: modules to load while idle, and the work itself. */
export interface TaskRunner {
  /** Loads native modules ahead of the first task. */
  warmUp(): Promise<void>;
  /** Plays a tiny task while nothing else is to be done, so that the first real one meets warm code. */
  rehearse(): Promise<void>;
  run(payload: TaskPayload, io: TrainingIo): Promise<TaskResult>;
}

/** What DuckDB, onnxruntime and V8 say when memory is refused. */
const MEMORY_REFUSED = /out of memory|bad_alloc|failed to allocate|allocation failed|cannot allocate/i;

/** The start of the platform, and a task that just began, come before a rehearsal. */
const REHEARSE_AFTER_MS = 1000;

/** Runs in the child's main file. `parentPid` is the worker that spawned it. */
export async function serveOneTask(runner: TaskRunner, parentPid: number): Promise<void> {
  dieWithParent(parentPid);
  // Ctrl-C in a terminal reaches the whole process group: the worker decides when its children end.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => undefined);

  const cancel = new AbortController();
  let taken = false;
  process.on('message', (raw) => {
    const message = ToChild.parse(raw);
    if (message.type === 'abort') {
      cancel.abort(new Failure('CANCELED', 'the task was canceled'));
      return;
    }
    if (message.type === 'sink') {
      sinks.shift()?.(message.sink);
      return;
    }
    if (taken) return; // one task, one tenant, one process
    taken = true;
    if (rehearsal !== null) clearTimeout(rehearsal);
    void Promise.all([warm, rehearsed]).then(() => runTask(runner, message, cancel.signal));
  });
  let rehearsed = Promise.resolve();
  let rehearsal: NodeJS.Timeout | null = null;
  const warm = runner.warmUp().then(() => say({ type: 'ready' }));
  await warm;
  if (taken) return;
  rehearsal = setTimeout(() => {
    // What goes wrong here shows in the real task, with somebody to tell.
    rehearsed = runner.rehearse().catch(() => undefined);
  }, REHEARSE_AFTER_MS);
}

const say = (message: FromChild): Promise<void> =>
  new Promise((resolve) => {
    if (process.send === undefined || !process.connected) return resolve();
    process.send(message, undefined, {}, () => resolve());
  });

/** Who waits for a place to store a checkpoint, in the order of asking. */
const sinks: ((sink: Sink | null) => void)[] = [];

async function runTask(
  runner: TaskRunner,
  { payload, scratchDir, checkpoint, endsAtMs }: Extract<ToChild, { type: 'run' }>,
  signal: AbortSignal,
): Promise<void> {
  process.chdir(scratchDir);
  const link: WorkerLink = {
    tell: (progress) => void say(progress),
    askForSink: () =>
      new Promise((resolve) => {
        sinks.push(resolve);
        void say({ type: 'checkpoint' });
      }),
  };
  const io = new ChildIo(scratchDir, signal, link, checkpoint, endsAtMs);
  try {
    const result = await runner.run(payload, io);
    io.flush();
    await say({ type: 'done', result });
  } catch (error) {
    io.flush();
    await say(failureMessage(error));
  }
  process.exit(0);
}

const failureMessage = (error: unknown): ChildFailure => {
  const failure = asFailure(error);
  const cause = failure.cause ?? error;
  const refusedMemory =
    failure.code === 'INTERNAL' && cause instanceof Error && MEMORY_REFUSED.test(cause.message);
  if (refusedMemory) {
    return {
      type: 'failed',
      code: 'OUT_OF_MEMORY',
      message: 'the task needed more memory than it may use',
      hint: 'use fewer rows or columns, or a smaller model',
      column: null,
      origin: errorOrigin(cause),
    };
  }
  const named = failure.path?.filter((step): step is string => typeof step === 'string') ?? [];
  return {
    type: 'failed',
    code: isFailureCode(failure.code) ? failure.code : 'INTERNAL',
    message: failure.message,
    hint: failure.hint ?? null,
    column: named.at(-1) ?? null,
    origin: failure.policy.fault === 'platform' ? errorOrigin(cause) : null,
  };
};
