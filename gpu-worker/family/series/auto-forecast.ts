/** Which family forecasts a series best: tried one after the other, judged on the validation windows. */
import { LinearSpec, RnnSpec, TransformerSpec } from '../../../contracts';
import type { AutoSpec, ConcreteSpec } from '../../../contracts';
import type { ForecastTarget } from '../../prepare/target';
import { trainConcrete } from '../concrete';
import type { TrainingContext, TrainingData } from '../data';
import type { Trained } from '../trained';

/** Cells of all training windows up to which a network is tried: some minutes on one core. */
const MOST_CELLS = 8_000_000;
/** A network must be better than the line by this share: it is less certain, slower and larger. */
const CLEARLY = 0.02;

/** Stops at the number of trials or the seconds of the spec; the line, which takes next to nothing, is always tried. */
export const trainAutoForecast = async (
  { seconds, trials, forecast, families }: AutoSpec,
  data: TrainingData<ForecastTarget>,
  context: TrainingContext,
): Promise<Trained> => {
  const end = seconds === null ? Infinity : performance.now() + 1000 * seconds;
  const over = (): boolean => performance.now() > end || context.enough?.() === true;
  const specs = candidates(data, forecast).filter(({ family }) => families?.includes(family) ?? true);
  const tried = specs.slice(0, trials ?? specs.length);
  let best: { readonly trained: Trained; readonly error: number } | undefined;
  for (const [at, spec] of tried.entries()) {
    if (best !== undefined && over()) break;
    const trained = await trainConcrete(spec, data, {
      ...context,
      // Progress of several trainings; a checkpoint belongs to one.
      checkpoints: undefined,
      enough: over,
      progress: (fraction, epochs) =>
        context.progress(
          (at + fraction) / tried.length,
          epochs,
          `candidate ${at + 1} of ${tried.length}: ${spec.family}`,
        ),
    });
    const error = await validationError(trained, data, context.signal);
    if (best === undefined || error < (1 - CLEARLY) * best.error) best = { trained, error };
  }
  if (best !== undefined) return best.trained;
  return trainConcrete(LinearSpec.parse({ family: 'linear', forecast }), data, context);
};

const candidates = (
  { training, target }: TrainingData<ForecastTarget>,
  forecast: AutoSpec['forecast'],
): ConcreteSpec[] => {
  const line = LinearSpec.parse({ family: 'linear', forecast });
  if (training.length * target.series.length * target.lookback > MOST_CELLS) return [line];
  return [
    line,
    TransformerSpec.parse({ family: 'transformer', layers: 1, epochs: 10, forecast }),
    // Unrolled over time: a long look-back is a large graph.
    ...(target.lookback <= 128 ? [RnnSpec.parse({ family: 'rnn', hidden: 32, epochs: 10, forecast })] : []),
  ];
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
