import type { ConcreteSpec, Epoch } from '../../../contracts';
import { predictedOf } from '../../evaluate/predict';
import { STANDARD } from '../../prepare/encoding';
import type { SupervisedTarget } from '../../prepare/target';
import { trainConcrete } from '../concrete';
import type { TrainingContext, TrainingData } from '../data';
import type { Trained } from '../trained';
import { choose, rowLosses } from './choose';
import { portfolio } from './portfolio';

interface Candidate {
  readonly trained: Trained;
  /** For the validation rows. */
  readonly outputs: Float32Array;
  /** Of each validation row. */
  readonly losses: Float64Array;
}

/** Beyond this the last rows teach little and training twice takes long. */
const MOST_ROWS_TWICE = 50_000;

/**
 * Trains the portfolio one after the other and keeps what does best on the validation rows: by squared error, or by
 * log loss, which tells models apart where the accuracy of a few hundred rows cannot. The winner is then trained
 * once more, as long as it took to its best epoch, on training and validation rows together: few rows are too dear
 * to only judge by, and where time orders them the validation rows are the most recent.
 */
export const trainAuto = async (
  data: TrainingData<SupervisedTarget>,
  context: TrainingContext,
): Promise<Trained> => {
  const { target, training, validation } = data;
  const first = await data.prepared(STANDARD);
  const numbers = first.preparation.fits.filter(({ kind }) => kind === 'number').length;
  const specs = portfolio(training.length, numbers);
  const stages = specs.length + 1;
  let shown = 0;
  const stage = (at: number, message: string): TrainingContext => ({
    ...context,
    progress: (fraction, epochs) => {
      // One curve for the eye: epochs count on through the candidates.
      const numbered = epochs.map((epoch): Epoch => ({ ...epoch, epoch: ++shown }));
      context.progress((at + fraction) / stages, numbered, message);
    },
  });
  const candidates: Candidate[] = [];
  for (const [at, spec] of specs.entries()) {
    const message = `candidate ${at + 1} of ${specs.length}: ${title(spec)}`;
    const trained = await trainConcrete(spec, data, stage(at, message));
    const outputs = await trained.predict(validation, context.signal);
    const predicted = predictedOf(outputs, target, validation.length);
    candidates.push({
      trained,
      outputs,
      losses: rowLosses(predicted, target, validation),
    });
  }
  const best = candidates[choose(candidates.map(({ losses }) => losses))];
  if (best === undefined) throw new Error('the portfolio is empty');
  const { spec } = best.trained;
  if (spec.family !== 'mlp' || training.length > MOST_ROWS_TWICE) return best.trained;
  const final = { ...spec, epochs: bestEpoch(best.trained.history), patience: 0, validationFraction: 0 };
  const again = stage(specs.length, `${title(spec)} once more on all rows`);
  const all = data.split(joined(training, validation), new Int32Array(0));
  const trained = await trainConcrete(final, all, again);
  return {
    ...trained,
    history: best.trained.history,
    outOfSample: { rows: validation, outputs: best.outputs },
  };
};

const bestEpoch = (history: readonly Epoch[]): number => {
  const losses = history.map(({ valLoss }) => valLoss ?? Infinity);
  return losses.indexOf(Math.min(...losses)) + 1;
};

const title = (spec: ConcreteSpec): string =>
  spec.family !== 'mlp'
    ? spec.family
    : `mlp ${spec.hidden.join('-')}${spec.numeric === 'piecewise' ? ', piecewise-linear encoding' : ''}`;

const joined = (first: Int32Array, second: Int32Array): Int32Array => {
  const all = new Int32Array(first.length + second.length);
  all.set(first);
  all.set(second, first.length);
  return all;
};
