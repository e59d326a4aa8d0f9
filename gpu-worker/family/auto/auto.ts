import type { Epoch, Metrics } from '../../../contracts';
import { metricsOf } from '../../evaluate/evaluate';
import { predict } from '../../evaluate/predict';
import type { NumberEncoding } from '../../prepare/number';
import { encodingOf, trainConcrete } from '../concrete';
import type { TrainingContext, TrainingData } from '../data';
import type { ConcreteSpec, Trained } from '../trained';
import { portfolio } from './portfolio';

/**
 * Trains the portfolio one after the other and keeps what does best on the validation rows: root mean squared error,
 * or log loss, which tells models apart where the accuracy of a few hundred rows cannot.
 */
export const trainAuto = async (
  encoded: (encoding: NumberEncoding) => Promise<TrainingData>,
  validationRows: Int32Array,
  context: TrainingContext,
): Promise<Trained> => {
  const first = await encoded({ numeric: 'standard', bins: 0 });
  const specs = portfolio(first.training.features.rows);
  let best: { trained: Trained; loss: number } | undefined;
  let shown = 0;
  for (const [at, spec] of specs.entries()) {
    const data = await encoded(encodingOf(spec));
    const trained = await trainConcrete(spec, data, {
      ...context,
      progress: (fraction, epochs) => {
        // One curve for the eye: epochs count on through the candidates.
        const numbered = epochs.map((epoch): Epoch => ({ ...epoch, epoch: ++shown }));
        context.progress(
          (at + fraction) / specs.length,
          numbered,
          `candidate ${at + 1} of ${specs.length}: ${title(spec)}`,
        );
      },
    });
    const predicted = await predict(trained, data.target, data.validation.features, context.signal);
    const loss = lossOf(metricsOf(predicted, data.target, validationRows));
    if (best === undefined || loss < best.loss) best = { trained, loss };
  }
  if (best === undefined) throw new Error('the portfolio is empty');
  return best.trained;
};

const lossOf = (metrics: Metrics): number => metrics['rmse'] ?? metrics['logLoss'] ?? Infinity;

const title = (spec: ConcreteSpec): string =>
  spec.family === 'linear'
    ? 'linear'
    : `mlp ${spec.hidden.join('-')}${spec.numeric === 'piecewise' ? ', piecewise-linear encoding' : ''}`;
