/** Won, lost, and by how much: on the paired errors of the outer folds. */
import type { Figure } from '../results';
import { PEERS } from './peers';

export interface SetResult {
  readonly set: string;
  readonly task: 'regression' | 'classification';
  readonly secondsAllowed: number;
  readonly folds: {
    readonly fold: number;
    readonly seconds: number;
    /** `ours` and each peer. */
    readonly errors: Readonly<Record<string, number>>;
  }[];
}

/** Sets on which we must be better than both. */
const SHARE_TO_WIN = 0.8;
/** Outer folds that the target speaks of: with fewer a set's figure is a first look, and the target is neither met nor missed. */
const WANTED_FOLDS = 5;
/** How much worse than the better of the two we may be, besides one standard error of the paired differences. */
const TOLERATED = 0.02;

const mean = (values: readonly number[]): number => values.reduce((sum, one) => sum + one, 0) / values.length;

const verdict = ({ folds }: SetResult) => {
  const errors = (who: string): number[] => folds.map((fold) => fold.errors[who] ?? NaN);
  const ours = errors('ours');
  const peers = PEERS.map((peer) => ({ peer, errors: errors(peer) }));
  const best = peers.reduce((least, one) => (mean(one.errors) < mean(least.errors) ? one : least));
  const differences = ours.map((error, fold) => error - (best.errors[fold] ?? NaN));
  const spread = differences.reduce((sum, one) => sum + (one - mean(differences)) ** 2, 0);
  const error =
    differences.length < 2 ? 0 : Math.sqrt(spread / (differences.length - 1) / differences.length);
  const [value, baseline] = [mean(ours), mean(best.errors)];
  return {
    ...{ value, baseline, peer: best.peer },
    won: value < baseline,
    tolerable: mean(differences) <= TOLERATED * baseline + error,
  };
};

export const figuresOf = (results: readonly SetResult[]): Figure[] => {
  const verdicts = results.map((result) => ({ result, ...verdict(result) }));
  const won = verdicts.filter((one) => one.won).length;
  const tolerable = verdicts.filter((one) => one.tolerable).length;
  const complete = results.filter(({ folds }) => folds.length >= WANTED_FOLDS).length;
  const measured = `${complete} of ${results.length} sets measured on all ${WANTED_FOLDS} outer folds`;
  const judged = (met: boolean): boolean | null => (complete === results.length ? met : null);
  const none = { baseline: null, baselineValue: null, ratio: null };
  return [
    {
      ...none,
      figure: `sets of ${results.length} on which default AutoML beats XGBoost and HistGradientBoosting, both at their defaults (${measured})`,
      value: won / results.length,
      unit: 'share',
      target: `>= ${SHARE_TO_WIN}`,
      met: judged(won >= SHARE_TO_WIN * results.length),
    },
    {
      ...none,
      figure:
        'sets on which it is not worse than the better of the two by more than 2 % and one standard error',
      value: tolerable / results.length,
      unit: 'share',
      target: '1',
      met: judged(tolerable === results.length),
    },
    ...verdicts.map(({ result, value, baseline, peer, won: better }) => ({
      figure: `${result.set}, mean of ${result.folds.length} outer folds, ${result.secondsAllowed} s allowed, ${mean(result.folds.map(({ seconds }) => seconds)).toFixed(0)} s taken`,
      value,
      unit: result.task === 'regression' ? 'RMSE' : 'log loss',
      baseline: peer,
      baselineValue: baseline,
      ratio: value / baseline,
      target: '< 1',
      met: result.folds.length >= WANTED_FOLDS ? better : null,
    })),
  ];
};
