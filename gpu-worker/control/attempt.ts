/** One attempt at one task: claim, run in a child, keep the lease, finish once. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Cancel, subject } from '../../contracts';
import type {
  ClaimReply,
  Consumed,
  Device,
  EngineName,
  Finish,
  Progress,
  Sink,
  TaskPayload,
  TaskReady,
} from '../../contracts';
import type { ChildPool } from '../child/pool';
import type { ChildProgress } from '../child/protocol';
import type { Logger } from '../log';
import { ControlUnavailable, pauseMs } from './control-plane';
import type { ControlPlane } from './control-plane';
import { finishOnce } from './finishing';
import { ProgressJournal } from './journal';
import { Lease } from './lease';
import type { Link } from './link';
import { deferred, outcomeOf } from './outcome';
import type { Outcome } from './outcome';

const CLAIM_ATTEMPTS = 5;
const CLAIM_TIMEOUT_MS = 3000;
const CLAIM_FAILED_DELAY_MS = 1000;
/** How long a canceled task may take to stop by itself. */
const POLITE_MS = 1000;

/** What becomes of the message that announced the task. */
export type Settlement =
  | { readonly message: 'done' }
  | { readonly message: 'later'; readonly delayMs: number }
  | { readonly message: 'never' }
  /** Another holder of the task settles it: say nothing. */
  | { readonly message: 'abandoned' };

export interface AttemptContext {
  readonly link: Link;
  readonly control: ControlPlane;
  readonly workerId: string;
  readonly device: Device;
  readonly engine: EngineName;
  readonly scratchDir: string;
  readonly log: Logger;
  /** Aborted when the worker stops. */
  readonly stopping: AbortSignal;
}

type Granted = Extract<ClaimReply, { outcome: 'granted' }>;

/** Takes an announced task to its settlement. Never rejects for a reason of the task's own. */
export async function attempt(
  context: AttemptContext,
  pool: ChildPool,
  task: TaskReady,
): Promise<Settlement> {
  const canceled = deferred<void>();
  // Listening starts before the claim: no cancel can fall between the two.
  const unlisten = context.link.listen(subject.cancel(task.taskId), (body) => {
    const cancel = Cancel.safeParse(body).data;
    if (cancel?.taskId === task.taskId && cancel.tenantId === task.tenantId) canceled.resolve();
  });
  try {
    const reply = await claim(context, task);
    if (reply === null) return { message: 'later', delayMs: CLAIM_FAILED_DELAY_MS };
    if (reply.outcome === 'later') return { message: 'later', delayMs: reply.delayMs };
    if (reply.outcome === 'never') return { message: 'never' };
    return await run(context, pool, task, reply, canceled.promise);
  } finally {
    unlisten();
  }
}

async function claim(context: AttemptContext, task: TaskReady): Promise<ClaimReply | null> {
  const { workerId, device } = context;
  for (let failures = 0; failures < CLAIM_ATTEMPTS && !context.stopping.aborted; failures++) {
    if (failures > 0) await sleep(pauseMs(failures));
    try {
      return await context.control.claim(
        { v: 1, tenantId: task.tenantId, taskId: task.taskId, workerId, device },
        CLAIM_TIMEOUT_MS,
      );
    } catch (error) {
      const reason = error instanceof ControlUnavailable ? error.reason : 'failed';
      context.log.warn({ taskId: task.taskId, reason }, 'claim not answered');
    }
  }
  return null;
}

/** What trains runs on the device asked for, else on the worker's best; everything else on the CPU. */
const onDevice = (
  payload: TaskPayload,
  best: Pick<AttemptContext, 'device' | 'engine'>,
): { payload: TaskPayload; device: Device } => {
  switch (payload.kind) {
    case 'train':
    case 'search':
    case 'trial': {
      const device = payload.device ?? best.device;
      return { payload: { ...payload, device, engine: payload.engine ?? best.engine }, device };
    }
    case 'profile':
    case 'merge':
    case 'pack':
      return { payload, device: 'cpu' };
  }
};

async function run(
  context: AttemptContext,
  pool: ChildPool,
  task: TaskReady,
  grant: Granted,
  canceled: Promise<void>,
): Promise<Settlement> {
  const { tenantId, taskId } = task;
  const log = context.log.child({ tenantId, taskId, kind: task.kind, attempt: grant.attempt });
  const { payload, device } = onDevice(grant.payload, context);
  const scratchDir = join(context.scratchDir, `${taskId}-${grant.fence.replace(/\W/g, '')}`);
  await mkdir(scratchDir, { recursive: true });

  const child = pool.take();
  const startedAt = process.hrtime.bigint();
  const endsAtMs = Date.now() + grant.timeoutMs;
  let endedAt: bigint | null = null;
  const consumed = (): Consumed => ({
    device,
    computeNs: String((endedAt ?? process.hrtime.bigint()) - startedAt),
  });

  const outcome = deferred<Outcome>();
  const journal = new ProgressJournal();
  const onProgress = (said: ChildProgress): void => {
    const { phase, fraction, message, epochs, trials } = said;
    const progress: Progress = {
      v: 1,
      tenantId,
      taskId,
      fence: grant.fence,
      phase,
      fraction,
      message,
      epochs,
      trials,
      atMs: Date.now(),
    };
    journal.add(progress);
    context.link.publish(subject.progress(tenantId, taskId), progress);
  };
  const lease = new Lease(
    context.control,
    task,
    grant,
    journal,
    consumed,
    {
      canceled: () => outcome.resolve({ status: 'canceled' }),
      lost: (why) => outcome.resolve({ status: 'lost', why }),
    },
    log,
  );
  const checkpointSink = async (): Promise<Sink | null> => {
    try {
      const reply = await context.control.checkpoint(
        { v: 1, tenantId, taskId, fence: grant.fence },
        CLAIM_TIMEOUT_MS,
      );
      return reply.outcome === 'granted' ? reply.sink : null;
    } catch {
      return null; // the next one may find its way
    }
  };
  const running = { payload, scratchDir, checkpoint: grant.checkpoint ?? null, endsAtMs };
  void child.run(running, { progress: onProgress, checkpointSink }).then((ending) => {
    endedAt = process.hrtime.bigint();
    outcome.resolve(outcomeOf(ending, log));
  });
  void canceled.then(() => outcome.resolve({ status: 'canceled' }));
  const release = () => outcome.resolve({ status: 'released' });
  if (context.stopping.aborted) release();
  context.stopping.addEventListener('abort', release, { once: true });
  const timeout = setTimeout(
    () =>
      outcome.resolve({
        status: 'failed',
        code: 'TASK_TIMEOUT',
        message: `the task ran longer than its limit of ${grant.timeoutMs} ms`,
        hint: null,
        column: null,
      }),
    endsAtMs - Date.now(),
  );
  lease.start();
  log.info({ fence: grant.fence }, 'task started');

  try {
    const verdict = await outcome.promise;
    clearTimeout(timeout);
    if (verdict.status === 'canceled') {
      child.abort();
      await Promise.race([child.exited, sleep(POLITE_MS)]);
    }
    child.kill();
    endedAt ??= process.hrtime.bigint();
    if (verdict.status === 'lost') {
      log.warn({ why: verdict.why, zombieRefused: true }, 'lease lost: work killed, nothing written');
      await child.exited;
      return { message: 'abandoned' };
    }
    // A canceled or released task is over only when its process is; a finished one has nothing left to do.
    if (verdict.status !== 'succeeded') await child.exited;
    const finish: Finish = {
      v: 1,
      tenantId,
      taskId,
      fence: grant.fence,
      consumed: consumed(),
      outcome: verdict,
    };
    const recorded = await finishOnce(context, lease, journal, finish, log);
    log.info({ status: verdict.status, recorded, computeNs: finish.consumed.computeNs }, 'task ended');
    if (recorded !== 'recorded') return { message: 'abandoned' };
    return verdict.status === 'released' ? { message: 'later', delayMs: 0 } : { message: 'done' };
  } finally {
    clearTimeout(timeout);
    lease.stop();
    context.stopping.removeEventListener('abort', release);
    child.kill();
    void child.exited.then(() => rm(scratchDir, { recursive: true, force: true })).catch(() => undefined);
  }
}
