import type { LeaderboardRow, TrialOutcome } from '../../contracts';
import type { SupervisedTarget } from '../prepare/target';
import { standings } from './plan';
import { titleOf } from './portfolio';

/** Two-sided 95 % of the normal distribution. */
const NORMAL_95 = 1.96;

type Score = Pick<LeaderboardRow, 'metric' | 'score' | 'low' | 'high'>;

/** A mean loss with its standard error, in the user's terms. */
export const scoreOf = (
  { loss, error }: { readonly loss: number; readonly error: number },
  target: SupervisedTarget,
): Score => {
  const [low, high] = [Math.max(0, loss - NORMAL_95 * error), loss + NORMAL_95 * error];
  if (target.task === 'classification') return { metric: 'logLoss', score: loss, low, high };
  const rmse = (squared: number): number => Math.sqrt(squared) * target.deviation;
  return { metric: 'rmse', score: rmse(loss), low: rmse(low), high: rmse(high) };
};

/** Best first; `weights` once the ensemble is made. */
export const leaderboard = (
  outcomes: readonly TrialOutcome[],
  target: SupervisedTarget,
  weights?: ReadonlyMap<number, number>,
): LeaderboardRow[] =>
  standings(outcomes).map(({ candidate, loss, error, byFold }) => {
    const trials = outcomes.flatMap((outcome) =>
      outcome.status === 'done' && outcome.trial.candidate === candidate ? [outcome] : [],
    );
    const [first] = trials;
    if (first === undefined) throw new Error('a standing has a trial');
    const sum = (of: (trial: (typeof trials)[number]) => number): number =>
      trials.reduce((total, trial) => total + of(trial), 0);
    return {
      candidate,
      title: titleOf(first.trial.spec),
      spec: first.trial.spec,
      ...scoreOf({ loss, error }, target),
      folds: byFold.size,
      seconds: sum(({ seconds }) => seconds),
      microsPerRow: sum(({ microsPerRow }) => microsPerRow),
      bytes: sum(({ bytes }) => bytes),
      weight: weights === undefined ? null : (weights.get(candidate) ?? 0),
    };
  });
