import type { Epoch, TrialOutcome } from '../../contracts';
import { standings } from './plan';

/**
 * A search as a learning curve, a point a trial that came to a model, in the order of planning: `loss` is what its candidate
 * was found to be worth over all of its folds, as the leaderboard says it, and `valLoss` the best of those so far. Judged by
 * its folds of the moment a candidate that was lucky on one of them would stand as the best for ever.
 */
export const searchCurve = (outcomes: readonly TrialOutcome[]): Epoch[] => {
  const worth = new Map(standings(outcomes).map(({ candidate, loss }) => [candidate, loss]));
  let best = Infinity;
  return [...outcomes]
    .sort((one, other) => one.trial.id - other.trial.id)
    .flatMap(({ status, trial }) => {
      const loss = worth.get(trial.candidate);
      if (status !== 'done' || loss === undefined) return [];
      best = Math.min(best, loss);
      return [{ epoch: trial.id + 1, loss, valLoss: best }];
    });
};
