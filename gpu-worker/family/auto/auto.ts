import type { Epoch, Metrics } from '../../../contracts';
import { metricsOf } from '../../evaluate/evaluate';
import { predict } from '../../evaluate/predict';
import type { NumberEncoding } from '../../prepare/number';
import { encodingOf, trainConcrete } from '../concrete';
import type { TrainingContext, TrainingData } from '../data';
import type { ConcreteSpec, Trained } from '../trained';
import { choose, rowLosses } from './choose';
import { portfolio } from './portfolio';

/** The same rows in the encoding that a candidate wants. */
export interface Encodings {
  /** With the validation rows apart. */
  encoded(encoding: NumberEncoding): Promise<TrainingData>;
  /** With the validation rows among the training rows. */
  whole(encoding: NumberEncoding): Promise<TrainingData>;
}

interface Candidate {
  readonly trained: Trained;
  readonly metrics: Metrics;
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
  rows: Encodings,
  validationRows: Int32Array,
  context: TrainingContext,
): Promise<Trained> => {
  const first = await rows.encoded({ numeric: 'standard', bins: 0 });
  const numbers = first.preparation.fits.filter(({ kind }) => kind === 'number').length;
  const specs = portfolio(first.training.features.rows, numbers);
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
    const data = await rows.encoded(encodingOf(spec));
    const message = `candidate ${at + 1} of ${specs.length}: ${title(spec)}`;
    const trained = await trainConcrete(spec, data, stage(at, message));
    const predicted = await predict(trained, data.target, data.validation.features, context.signal);
    candidates.push({
      trained,
      metrics: metricsOf(predicted, data.target, validationRows),
      losses: rowLosses(predicted, data.target, validationRows),
    });
  }
  const best = candidates[choose(candidates.map(({ losses }) => losses))];
  if (best === undefined) throw new Error('the portfolio is empty');
  const { spec } = best.trained;
  if (spec.family !== 'mlp' || first.training.features.rows > MOST_ROWS_TWICE) return best.trained;
  const final = { ...spec, epochs: bestEpoch(best.trained.history), patience: 0, validationFraction: 0 };
  const again = stage(specs.length, `${title(spec)} once more on all rows`);
  const trained = await trainConcrete(final, await rows.whole(encodingOf(spec)), again);
  return { ...trained, history: best.trained.history, validationMetrics: best.metrics };
};

const bestEpoch = (history: readonly Epoch[]): number => {
  const losses = history.map(({ valLoss }) => valLoss ?? Infinity);
  return losses.indexOf(Math.min(...losses)) + 1;
};

const title = (spec: ConcreteSpec): string =>
  spec.family === 'linear'
    ? 'linear'
    : `mlp ${spec.hidden.join('-')}${spec.numeric === 'piecewise' ? ', piecewise-linear encoding' : ''}`;
