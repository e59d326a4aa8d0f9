/**
 * What a training will probably take and reach, before it is started: an interval from the tenant's own past jobs where
 * there are any, and as wide as what is not known.
 */
import type { ColumnProfile, LearningTask, ModelSpec } from '../../contracts';

export interface PastJob {
  readonly spec: ModelSpec;
  readonly cells: number;
  /** Of all workers together. */
  readonly seconds: number;
}

export interface Range {
  readonly low: number;
  readonly high: number;
}

/**
 * `PAST`: what earlier jobs of the tenant took; `TABLE`: measured once on other data and another machine; `LIMIT`: nothing
 * is known but the limits.
 */
export const QUOTE_BASES = ['PAST', 'TABLE', 'LIMIT'] as const;

export interface SecondsQuote {
  readonly low: number;
  /** Null: nothing limits it. */
  readonly high: number | null;
  readonly basis: (typeof QUOTE_BASES)[number];
  /** Earlier jobs that it rests on. */
  readonly jobs: number;
}

/** Two standard deviations of the logarithm, at least: machines are busy, and data differ. */
const LEAST_SPREAD = Math.log(1.6);
const ONE_JOB_SPREAD = Math.log(3);
const TABLE_SPREAD = Math.log(5);
const LEAST_SECONDS = 0.2;

/** What an attempt on a small table takes, evaluation included. */
export const START_SECONDS = 0.5;

/**
 * Seconds above that for every million cells gone through, as `npm run bench:families` prints them, on two cores. Families
 * that read pictures, texts or windows are not here, their cells are not alike; nor is `gan`, which takes as long on few rows
 * as on many.
 */
const TABLE: Readonly<Partial<Record<ModelSpec['family'], number>>> = {
  linear: 7.6,
  trees: 0.018,
  mlp: 0.084,
  autoencoder: 0.049,
  'isolation-forest': 0.047,
  'k-means': 11,
  'gaussian-mixture': 15,
};

/** How often the rows are gone through. */
const effortOf = (spec: ModelSpec): number =>
  [
    'epochs' in spec ? spec.epochs : undefined,
    'members' in spec ? spec.members : undefined,
    'trees' in spec ? spec.trees : undefined,
  ].reduce<number>((product, factor) => product * (factor ?? 1), 1);

/** Cells that the training goes through, all passes together. */
export const workOf = (spec: ModelSpec, cells: number): number => cells * effortOf(spec);

/** Worker time of all workers together. `limit`: what the job may take at most. */
export const quoteSeconds = (
  spec: ModelSpec,
  cells: number,
  past: readonly PastJob[],
  limit: number | null,
): SecondsQuote => {
  const alike = past.filter((job) => job.spec.family === spec.family && job.cells > 0 && job.seconds > 0);
  if (spec.family === 'auto') return searchSeconds(spec.seconds, alike, limit);
  const work = workOf(spec, cells);
  const within = (middle: number, spread: number): Range => {
    const cut = (seconds: number): number => Math.min(limit ?? Infinity, Math.max(LEAST_SECONDS, seconds));
    return { low: cut(middle / Math.exp(spread)), high: cut(middle * Math.exp(spread)) };
  };
  if (alike.length > 0) {
    // Twice the work takes twice as long: what it takes at the least grows slower, and the spread holds the difference.
    const logs = alike.map((job) => Math.log((job.seconds * work) / workOf(job.spec, job.cells)));
    const mean = logs.reduce((sum, each) => sum + each, 0) / logs.length;
    const variance = logs.reduce((sum, each) => sum + (each - mean) ** 2, 0) / Math.max(1, logs.length - 1);
    const spread = alike.length === 1 ? ONE_JOB_SPREAD : Math.max(LEAST_SPREAD, 2 * Math.sqrt(variance));
    return { ...within(Math.exp(mean), spread), basis: 'PAST', jobs: alike.length };
  }
  const perMillion = TABLE[spec.family];
  if (perMillion === undefined) return { low: LEAST_SECONDS, high: limit, basis: 'LIMIT', jobs: 0 };
  const middle = START_SECONDS + (perMillion * work) / 1e6;
  return { ...within(middle, TABLE_SPREAD), basis: 'TABLE', jobs: 0 };
};

/** A search takes what it is given, unless it runs out of candidates: earlier ones tell how much of theirs was used. */
const searchSeconds = (
  given: number | null,
  past: readonly PastJob[],
  limit: number | null,
): SecondsQuote => {
  const shares = past.flatMap(({ spec, seconds }) =>
    spec.family === 'auto' && spec.seconds !== null ? [seconds / spec.seconds] : [],
  );
  const known = given !== null && shares.length > 0;
  const low = known ? Math.min(...shares) * given : LEAST_SECONDS;
  return {
    low: Math.min(limit ?? Infinity, Math.max(LEAST_SECONDS, low)),
    high: limit,
    basis: known ? 'PAST' : 'LIMIT',
    jobs: known ? shares.length : 0,
  };
};

export interface ScoreQuote extends Range {
  readonly metric: string;
}

/** How good a metric can be, and how bad. */
const BOUNDS: Readonly<Record<string, readonly [number, number]>> = {
  r2: [-Infinity, 1],
  accuracy: [0, 1],
  auc: [0, 1],
  f1Macro: [0, 1],
  averagePrecision: [0, 1],
  silhouette: [-1, 1],
  adjustedRand: [-1, 1],
  utility: [-Infinity, Infinity],
};
const OF_ERRORS = [0, Infinity] as const;

/** Where the goal metric will probably lie, or null, and why. */
export const quoteScore = (
  task: LearningTask,
  metric: string,
  target: ColumnProfile | undefined,
  past: readonly number[],
): { readonly score: ScoreQuote | null; readonly reason: string } => {
  if (past.length > 0) {
    const [low, high] = [Math.min(...past), Math.max(...past)];
    // Other configurations and rows: what was reached may be missed or beaten by a tenth.
    const margin = Math.max((high - low) / 2, 0.1 * Math.max(Math.abs(low), Math.abs(high)));
    const [worst, best] = BOUNDS[metric] ?? OF_ERRORS;
    return {
      score: { metric, low: Math.max(worst, low - margin), high: Math.min(best, high + margin) },
      reason: `the last ${past.length} model versions of this dataset, and a tenth to both sides`,
    };
  }
  const guessed = guessing(task, metric, target);
  return guessed === null
    ? {
        score: null,
        reason: `no model version of this dataset was judged by ${metric}, and the profile of its columns does not tell`,
      }
    : {
        score: { metric, ...guessed },
        reason: 'no model version of this dataset yet: between a guess without a model and no error at all',
      };
};

const guessing = (task: LearningTask, metric: string, target: ColumnProfile | undefined): Range | null => {
  if (target === undefined) return null;
  if (task === 'regression') {
    if (metric === 'r2') return { low: 0, high: 1 };
    // The mean absolute deviation is never more than the standard deviation.
    const deviation = target.standardDeviation ?? null;
    return deviation === null ? null : { low: 0, high: deviation };
  }
  if (task !== 'classification') return null;
  const present = target.rows - target.missing;
  const shares = (target.frequent ?? []).map(({ count }) => count / present);
  switch (metric) {
    case 'accuracy':
      return shares.length === 0 ? null : { low: Math.max(...shares), high: 1 };
    case 'auc':
      return { low: 0.5, high: 1 };
    case 'f1Macro':
      return { low: 0, high: 1 };
    case 'logLoss':
      return shares.length < target.distinct
        ? null
        : { low: 0, high: -shares.reduce((sum, share) => sum + share * Math.log(share), 0) };
    default:
      return null;
  }
};
