/** What an automatic training may still use. Times in milliseconds; every limit is hard. */
import { Failure, MOST_TRIALS } from '../../contracts';
import type { AutoSpec, SearchBudget } from '../../contracts';
import type { Job } from './training.entity';

export interface Spent {
  /** Since the search began, wall-clock. */
  readonly elapsedMs: number;
  /** Attempts that have ended and are to be paid. */
  readonly computeMs: number;
  /** What running trials were granted. */
  readonly allottedMs: number;
  /** Trials sent out. */
  readonly trials: number;
}

/** At least this share of the budget is kept for making the model. */
const ASSEMBLE_SHARE = 0.1;

const left = (total: number, used: number): number => Math.max(0, total - used);
const least = (limits: readonly (number | null)[]): number | null => {
  const set = limits.filter((limit) => limit !== null);
  return set.length === 0 ? null : Math.min(...set);
};

export const searchBudget = (
  spec: Pick<AutoSpec, 'seconds' | 'trials'>,
  job: Pick<Job, 'cap'>,
  spent: Spent,
  workers: number,
): SearchBudget => {
  const totalMs = spec.seconds === null ? null : spec.seconds * 1000;
  return {
    totalMs,
    leftMs: totalMs === null ? null : left(totalMs, spent.elapsedMs),
    computeLeftMs: job.cap === null ? null : left(job.cap.computeMs, spent.computeMs + spent.allottedMs),
    trialsLeft: left(Math.min(spec.trials ?? MOST_TRIALS, MOST_TRIALS), spent.trials),
    workers,
  };
};

/**
 * How long the trials of one message may take from now on; null: as long as they like. Fails with BUDGET_SPENT when the
 * rest cannot hold what they are expected to take.
 */
export const trialLimitMs = (
  spec: Pick<AutoSpec, 'seconds' | 'trials'>,
  job: Pick<Job, 'cap' | 'assembleMs'>,
  spent: Spent,
  expectedMs: number,
): number | null => {
  const budget = searchBudget(spec, job, spent, 1);
  const keep = (totalMs: number): number => Math.max(job.assembleMs, totalMs * ASSEMBLE_SHARE);
  const limitMs = least([
    budget.leftMs === null ? null : left(budget.leftMs, keep(budget.totalMs ?? 0)),
    budget.computeLeftMs === null ? null : left(budget.computeLeftMs, keep(job.cap?.computeMs ?? 0)),
  ]);
  if (limitMs !== null && (limitMs <= 0 || limitMs < expectedMs)) {
    throw new Failure('BUDGET_SPENT', 'what is left of the budget cannot hold this trial');
  }
  return limitMs;
};

/** 0 to 1: how much of the budget is gone; for the progress bar. */
export const spentShare = (
  spec: Pick<AutoSpec, 'seconds' | 'trials'>,
  job: Pick<Job, 'cap'>,
  spent: Spent,
): number =>
  Math.min(
    1,
    Math.max(
      spec.seconds === null ? 0 : spent.elapsedMs / (spec.seconds * 1000),
      job.cap === null ? 0 : spent.computeMs / job.cap.computeMs,
      spec.trials === null ? 0 : spent.trials / spec.trials,
    ),
  );
