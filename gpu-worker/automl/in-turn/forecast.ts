/** Which family forecasts a series best: judged on the validation windows. */
import { LinearSpec, RnnSpec, TransformerSpec } from '../../../contracts';
import type { AutoSpec, ConcreteSpec } from '../../../contracts';
import type { ForecastTarget } from '../../prepare/target';
import type { TrainingData } from '../../family/data';
import type { Trained } from '../../family/trained';
import type { Contest } from './in-turn';

/** Cells of all training windows up to which a network is tried unasked: some minutes on one core. */
const MOST_CELLS = 8_000_000;
/** Unrolled over time: a longer look-back is a large graph. */
const LONGEST_UNROLLED = 128;

/** The line, which takes next to nothing, comes first: a network is less certain, slower and larger. */
export const forecastContest = (
  { forecast, families }: AutoSpec,
  data: TrainingData<ForecastTarget>,
  signal: AbortSignal,
): Contest => {
  const { training, target } = data;
  const cells = training.length * target.series.length * target.lookback;
  const offered = (network: ConcreteSpec, longest = Infinity): ConcreteSpec[] =>
    families !== undefined || (cells <= MOST_CELLS && target.lookback <= longest) ? [network] : [];
  return {
    candidates: [
      LinearSpec.parse({ family: 'linear', forecast }),
      ...offered(TransformerSpec.parse({ family: 'transformer', layers: 1, epochs: 10, forecast })),
      ...offered(RnnSpec.parse({ family: 'rnn', hidden: 32, epochs: 10, forecast }), LONGEST_UNROLLED),
    ],
    errors: async (trained) => [await validationError(trained, data, signal)],
  };
};

/** Mean squared error of the forecasts of the validation windows, each series in units of its deviation. */
const validationError = async (
  trained: Trained,
  { target, validation }: TrainingData<ForecastTarget>,
  signal: AbortSignal,
): Promise<number> => {
  const { values, mean, deviation, horizon, quantiles } = target;
  const { rows, outputs } = trained.outOfSample ?? {
    rows: validation,
    outputs: await trained.predict(validation, signal),
  };
  let [sum, count, at] = [0, 0, 0];
  for (const row of rows)
    for (let ahead = 1; ahead <= horizon; ahead++)
      for (let s = 0; s < values.length; s++, at += 1 + quantiles.length) {
        const error = outputs[at] - (values[s][row + ahead] - mean[s]) / deviation[s];
        if (Number.isNaN(error)) continue;
        sum += error * error;
        count++;
      }
  return count === 0 ? Infinity : sum / count;
};
