/** What a training may still use. Times in milliseconds; every limit is hard. */
import { ASSEMBLE_SHARE, Failure, MOST_TRIALS } from '../../contracts';
import type { Device, SearchBudget } from '../../contracts';
import { purseOf, secondsOf, trialsOf } from './budget';
import type { DeviceTime, Purse } from './purse';
import type { Job } from './training.entity';

export interface Spent {
  /** Since the budget began, wall-clock. */
  readonly elapsedMs: number;
  /** Attempts that have ended and are to be paid. */
  readonly paid: readonly DeviceTime[];
  /** What running trials were granted. */
  readonly granted: readonly DeviceTime[];
  /** Trials sent out. */
  readonly trials: number;
  /** Messages of trials that no worker has taken yet. */
  readonly waiting: number;
}

/** A trial that does not stop at its limit is ended this much later. */
export const TRIAL_GRACE_MS = 2000;

const left = (total: number, used: number): number => Math.max(0, total - used);
const least = (...limits: readonly (number | null)[]): number | null => {
  const set = limits.filter((limit) => limit !== null);
  return set.length === 0 ? null : Math.min(...set);
};

const purseAfter = (job: Pick<Job, 'cap'>, used: readonly DeviceTime[]): Purse | null => {
  const purse = purseOf(job);
  for (const time of used) purse?.pay(time);
  return purse;
};

export const searchBudget = (
  job: Pick<Job, 'spec' | 'cap'>,
  spent: Spent,
  workers: number,
  device: Device,
): SearchBudget => {
  const seconds = secondsOf(job);
  const totalMs = seconds === null ? null : seconds * 1000;
  return {
    totalMs,
    leftMs: totalMs === null ? null : left(totalMs, spent.elapsedMs),
    computeLeftMs: purseAfter(job, [...spent.paid, ...spent.granted])?.buysMs(device) ?? null,
    trialsLeft: left(Math.min(trialsOf(job) ?? MOST_TRIALS, MOST_TRIALS), spent.trials),
    workers,
  };
};

/** How long a task that makes the model may take; null: as long as it likes. */
export const limitMs = ({ leftMs, computeLeftMs }: SearchBudget): number | null =>
  least(leftMs, computeLeftMs);

/**
 * How long the trials of one message may take from now on; null: as long as they like. Wall-clock runs for all of them at
 * once; money is shared with the messages that still wait. Fails with BUDGET_SPENT when the rest cannot hold what they are
 * expected to take.
 */
export const trialLimitMs = (
  job: Pick<Job, 'spec' | 'cap' | 'assembleMs'>,
  spent: Spent,
  expectedMs: number,
  device: Device,
): number | null => {
  const { totalMs, leftMs, computeLeftMs } = searchBudget(job, spent, 1, device);
  const boughtMs = purseOf(job)?.buysMs(device) ?? null;
  const timeMs =
    totalMs === null || leftMs === null
      ? null
      : left(leftMs, Math.max(job.assembleMs, totalMs * ASSEMBLE_SHARE) + TRIAL_GRACE_MS);
  const moneyMs =
    boughtMs === null || computeLeftMs === null ? null : left(computeLeftMs, boughtMs * ASSEMBLE_SHARE);
  const freeMs = least(timeMs, moneyMs);
  if (freeMs !== null && (freeMs <= 0 || freeMs < expectedMs)) {
    throw new Failure('BUDGET_SPENT', 'what is left of the budget cannot hold this trial');
  }
  const shareMs = moneyMs === null ? null : Math.max(expectedMs, moneyMs / (1 + spent.waiting));
  return least(timeMs, shareMs);
};

/** `reached`: how far the training came. */
export const spentFailure = (job: Pick<Job, 'spec' | 'cap'>, reached: string, cause?: Failure): Failure => {
  const seconds = secondsOf(job);
  const more = seconds === null ? 'twice the money' : `${Math.ceil(2 * seconds)} seconds`;
  return new Failure('BUDGET_SPENT', `the budget was spent before the model was made: ${reached}`, {
    hint: `give it ${more} at least, or fewer rows or columns; quoteTraining says what to expect`,
    ...(cause && { cause }),
  });
};

/** 0 to 1: how much of the budget is gone; for the progress bar. */
export const spentShare = (job: Pick<Job, 'spec' | 'cap'>, spent: Spent): number => {
  const seconds = secondsOf(job);
  const trials = trialsOf(job);
  const amount = job.cap?.money?.amountNano;
  const purse = purseAfter(job, spent.paid);
  return Math.min(
    1,
    Math.max(
      seconds === null ? 0 : spent.elapsedMs / (seconds * 1000),
      trials === null ? 0 : spent.trials / trials,
      purse === null || amount === undefined ? 0 : 1 - purse.shareOf(BigInt(amount)),
    ),
  );
};
