import { Progress, subject } from '../../contracts';
import type { Epoch, JobId, Phase, TaskId, TenantId } from '../../contracts';
import type { Messaging } from '../platform/messaging';
import { Follower } from '../platform/task';
import { MERGE_SHARE } from './training.entity';
import type { Job, JobState } from './training.entity';

export interface JobUpdate {
  readonly job: Job;
  readonly phase: Phase | null;
  readonly fraction: number;
  readonly message: string | null;
  /** Epochs that this subscription has not shown before, in order. */
  readonly epochs: readonly Epoch[];
}

export interface JobView {
  readonly job: Job;
  /** Stored epochs after the given number, in order. */
  readonly epochs: readonly Epoch[];
  /** Trials of an automatic training by state: news of them is news of the job. */
  readonly trials: Readonly<Record<string, number>>;
}

const POLL_MS = 1000;
const ENDED: readonly JobState[] = ['SUCCEEDED', 'FAILED', 'CANCELED'];

/** Gives each epoch once and in order, whether it comes live or from the database, and holds back what leaves a gap. */
export class EpochSequence {
  private readonly early = new Map<number, Epoch>();
  private next: number | null = null;

  /** Number of the last epoch given; -1 before the first. */
  get last(): number {
    return this.next === null ? -1 : this.next - 1;
  }

  /** `stored`: these are all up to here, so a number that is missing among them does not exist. */
  take(epochs: readonly Epoch[], stored: boolean): Epoch[] {
    for (const epoch of epochs) if (epoch.epoch > this.last) this.early.set(epoch.epoch, epoch);
    const ready: Epoch[] = [];
    const until = stored ? Math.max(-1, ...epochs.map((epoch) => epoch.epoch)) : -1;
    for (const epoch of [...this.early.values()].sort((a, b) => a.epoch - b.epoch)) {
      // The first number may be 0 or 1.
      const expected = this.next === null ? epoch.epoch <= 1 : epoch.epoch === this.next;
      if (!expected && epoch.epoch > until) break;
      ready.push(epoch);
      this.early.delete(epoch.epoch);
      this.next = epoch.epoch + 1;
    }
    return ready;
  }
}

/**
 * A job as it is, then as it goes: stored epochs first, live ones as they happen, none missing and none twice. Ends with
 * the job. Live messages may be lost; a look at the database every second finds what they would have said.
 */
export async function* followJob(
  messaging: Messaging,
  tenantId: TenantId,
  jobId: JobId,
  read: (afterEpoch: number) => Promise<JobView>,
): AsyncGenerator<JobUpdate> {
  // All tasks of the tenant are listened to before the first look: the job's next task is not known yet.
  const follower = new Follower(
    messaging,
    [subject.state(tenantId, jobId), subject.progress(tenantId, '*' as TaskId)],
    POLL_MS,
  );
  const sequence = new EpochSequence();
  let shown = '';
  let trials: JobView['trials'] = {};
  const update = (job: Job, live: Progress | null, epochs: readonly Epoch[]): JobUpdate | null => {
    const { phase, fraction, message } = live === null ? job : { ...live, fraction: share(job, live) };
    const picture = JSON.stringify([job.state, job.cancelRequested, phase, fraction, message, trials]);
    if (picture === shown && epochs.length === 0) return null;
    shown = picture;
    return { job, phase, fraction, message, epochs };
  };
  try {
    let view = await read(-1);
    let live: Progress | null = null;
    for (;;) {
      const ended = ENDED.includes(view.job.state);
      trials = view.trials;
      const now = update(view.job, ended ? null : live, sequence.take(view.epochs, true));
      if (now !== null) yield now;
      if (ended) return;
      for (;;) {
        const message = Progress.safeParse(await follower.next());
        if (!message.success) break; // a change of state, or time for another look
        if (message.data.taskId !== view.job.taskId) continue;
        live = message.data;
        const next = update(view.job, live, sequence.take(live.epochs, false));
        if (next !== null) yield next;
      }
      view = await read(sequence.last);
    }
  } finally {
    follower.stop();
  }
}

/** Of the whole job: the first tenth of a retrain is its merge. */
const share = (job: Job, live: Progress): number => {
  // The steps of a search each begin anew.
  if (job.spec.family === 'auto' && job.searchFrom !== null) return Math.max(job.fraction, live.fraction);
  if (job.kind === 'train') return live.fraction;
  return job.fraction < MERGE_SHARE
    ? live.fraction * MERGE_SHARE
    : MERGE_SHARE + (1 - MERGE_SHARE) * live.fraction;
};
