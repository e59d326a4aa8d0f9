import type { Epoch, LearningCurve } from '../../contracts';

const MOST_POINTS = 200;

/** The history of a training, thinned to at most 200 points. Null without one. */
export const learningCurve = (
  history: readonly Epoch[],
  unit: LearningCurve['unit'],
): LearningCurve | null => {
  if (history.length === 0) return null;
  const losses = history.map(({ valLoss }) => valLoss ?? Infinity);
  const least = losses.reduce((a, b) => Math.min(a, b), Infinity);
  const best = Number.isFinite(least) ? losses.indexOf(least) : -1;
  const step = Math.max(1, Math.ceil(history.length / (MOST_POINTS - 2)));
  return {
    unit,
    points: history
      .filter((_, at) => at % step === 0 || at === history.length - 1 || at === best)
      .map(({ epoch, loss, valLoss }) => ({ at: epoch, loss, valLoss })),
    best: best < 0 ? null : history[best].epoch,
  };
};
