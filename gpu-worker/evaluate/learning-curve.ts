import type { ConcreteSpec, Epoch, EvaluationReport, LearningCurve } from '../../contracts';
import type { Trained } from '../family/trained';

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

type Learned = Pick<Trained, 'spec' | 'history' | 'searched'>;

/** A search learns trial by trial, whatever its members count. */
export const curveOf = ({ searched, history, spec }: Learned): LearningCurve | null =>
  searched === undefined
    ? learningCurve(history, spec.family === 'trees' ? 'tree' : 'epoch')
    : learningCurve(searched, 'trial');

const WITHOUT: Partial<Record<ConcreteSpec['family'], string>> = {
  linear: 'a linear model is solved for as a whole, not learned pass by pass',
  'k-means': 'it moves its groups until they rest and does not keep the way there',
  'gaussian-mixture': 'it moves its groups until they rest and does not keep the way there',
  'isolation-forest': 'its trees are cut at random, and none learns from those before it',
};

export const whyNoCurve = (learned: Learned): EvaluationReport['leftOut'] =>
  curveOf(learned) === null
    ? [{ section: 'learningCurve', why: WITHOUT[learned.spec.family] ?? 'nothing was learned step by step' }]
    : [];
