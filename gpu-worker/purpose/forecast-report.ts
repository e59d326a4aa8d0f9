/** How far a forecast is off, step by step ahead and on rolling origins, beside the seasonal-naive one. */
import type { ForecastReport } from '../../contracts';
import type { ForecastTarget } from '../prepare/target';
import { metricsOf, naiveAnswers, partOf } from './forecast-answers';
import type { Answers } from './forecast-answers';

const BACKTESTS = 6;

export const forecastReport = (
  target: ForecastTarget,
  { instants, warnings }: { readonly instants: Float64Array; readonly warnings: readonly string[] },
  validation: Answers,
  judged: Answers,
  naive: Answers,
): ForecastReport => {
  const naiveByStep = byStep(naive, target);
  return {
    step: target.step,
    season: target.season,
    lookback: target.lookback,
    byHorizon: byStep(judged, target).map((ours, i) => {
      const theirs = naiveByStep[i];
      return { step: i + 1, ...ours, naiveMae: theirs.mae, naiveRmse: theirs.rmse };
    }),
    backtests: backtests(validation, target, instants),
    warnings: [...warnings],
  };
};

const byStep = (
  { points, actual }: Answers,
  { horizon, series }: ForecastTarget,
): { mae: number | null; rmse: number | null }[] => {
  const [count, absolute, squares] = [0, 1, 2].map(() => new Float64Array(horizon));
  for (let i = 0; i < actual.length; i++) {
    const error = points[i] - actual[i];
    if (Number.isNaN(error)) continue;
    const step = Math.floor(i / series.length) % horizon;
    count[step]++;
    absolute[step] += Math.abs(error);
    squares[step] += error * error;
  }
  return Array.from(count, (known, step) =>
    known === 0
      ? { mae: null, rmse: null }
      : { mae: absolute[step] / known, rmse: Math.sqrt(squares[step] / known) },
  );
};

/** One fit on rising origins: parts of nearly as many instants each, all windows of an instant in the same one. */
const backtests = (
  validation: Answers,
  target: ForecastTarget,
  instants: Float64Array,
): ForecastReport['backtests'] => {
  const micros = Float64Array.from(validation.rows, (row) => instants[row]);
  const origins = [...new Set(micros)].sort((a, b) => a - b);
  const parts = Math.min(BACKTESTS, origins.length);
  const begins = (part: number): number => Math.floor((part * origins.length) / parts);
  return Array.from({ length: parts }, (_, part) => {
    const [fromMicros, toMicros] = [origins[begins(part)], origins[begins(part + 1) - 1]];
    const places = Array.from(micros.keys()).filter(
      (place) => fromMicros <= micros[place] && micros[place] <= toMicros,
    );
    const answers = partOf(validation, places);
    return {
      fromMicros,
      toMicros,
      windows: places.length,
      metrics: metricsOf(answers, target),
      naive: metricsOf(naiveAnswers(answers.rows, target), target),
    };
  });
};
