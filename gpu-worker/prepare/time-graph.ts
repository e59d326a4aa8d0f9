import { constant, op, scalar, tensor } from '../../onnx';
import type { Value } from '../../onnx';
import {
  FIRST_MONDAY_MICROS,
  HOUR_HARMONICS,
  MICROS_PER_DAY,
  MICROS_PER_HOUR,
  MICROS_PER_WEEK,
  MICROS_PER_YEAR,
  MISSING_TIME,
  SEASON_HARMONICS,
} from './time';
import type { TimeFit } from './time';

const MISSING = tensor('int64', [MISSING_TIME], []);
const whole = (count: number): Value => scalar(count, 'int64');
const column = (feature: Value): Value => op.Unsqueeze(op.Cast(feature, 'float32'), [1]);

/** Instants int64 [rows] -> trend, indicator, then the parts in the order of `timeParts`, each float32 [rows, width]. */
export const timeFeatures = (fit: TimeFit, value: Value): Value[] => {
  const missing = op.Equal(value, constant(MISSING));
  const instant = op.Where(missing, whole(fit.fillMicros ?? fit.fromMicros), value);
  const since = op.Cast(op.Sub(instant, whole(fit.fromMicros)), 'float64');
  const features = [column(op.Clip(op.Div(since, fit.toMicros - fit.fromMicros), 0, 1))];
  if (fit.indicator) features.push(column(missing));
  features.push(...(fit.encoding === 'cyclic' ? cycles(fit, instant) : calendar(fit, instant)));
  if (fit.fillMicros !== null) return features;
  return features.map((feature) => op.Where(op.Unsqueeze(missing, [1]), scalar(NaN), feature));
};

const cycles = (fit: TimeFit, instant: Value): Value[] => {
  const features: Value[] = [];
  const cycle = (length: number, harmonics: number): void => {
    const turn = op.Mul(op.Cast(op.Mod(instant, whole(length)), 'float64'), (2 * Math.PI) / length);
    for (let harmonic = 1; harmonic <= harmonics; harmonic++) {
      // cos x = sin(x + π/2): onnxruntime's cpu provider has Sin in double.
      for (const shift of [0, Math.PI / 2])
        features.push(column(op.Sin(op.Add(op.Mul(turn, harmonic), shift))));
    }
  };
  if (fit.hour) cycle(MICROS_PER_DAY, HOUR_HARMONICS);
  if (fit.weekday) features.push(op.OneHot(weekday(instant), 7));
  if (fit.season) cycle(MICROS_PER_YEAR, SEASON_HARMONICS);
  return features;
};

/** Hour 0 to 24 with its fraction, weekday 0 (Monday) to 6, day of the month 1 to 31, month 1 to 12. */
const calendar = (fit: TimeFit, instant: Value): Value[] => {
  const features: Value[] = [];
  const inDay = op.Mod(instant, whole(MICROS_PER_DAY));
  if (fit.hour) features.push(column(op.Div(op.Cast(inDay, 'float64'), MICROS_PER_HOUR)));
  if (fit.weekday) features.push(column(weekday(instant)));
  if (fit.day || fit.season) {
    const { day, month } = civil(op.Div(op.Sub(instant, inDay), whole(MICROS_PER_DAY)));
    if (fit.day) features.push(column(day));
    if (fit.season) features.push(column(month));
  }
  return features;
};

/** 0 = Monday. */
const weekday = (instant: Value): Value => {
  const inWeek = op.Mod(op.Sub(instant, whole(FIRST_MONDAY_MICROS)), whole(MICROS_PER_WEEK));
  return op.Div(inWeek, whole(MICROS_PER_DAY));
};

const DAYS_PER_ERA = 146_097;
/** 0000-03-01, where the eras of 400 years begin. */
const DAYS_BEFORE_EPOCH = 719_468;

/** Days since 1970-01-01 to day and month (Hinnant, «chrono-compatible low-level date algorithms», civil_from_days). */
const civil = (days: Value): { day: Value; month: Value } => {
  const over = (value: Value, divisor: number): Value => op.Div(value, whole(divisor));
  const inEra = op.Mod(op.Add(days, whole(DAYS_BEFORE_EPOCH)), whole(DAYS_PER_ERA));
  const leaps = op.Sub(op.Sub(over(inEra, 36_524), over(inEra, 1_460)), over(inEra, 146_096));
  const year = over(op.Add(inEra, leaps), 365);
  const before = op.Add(op.Mul(year, whole(365)), op.Sub(over(year, 4), over(year, 100)));
  const inYear = op.Sub(inEra, before);
  const fromMarch = over(op.Add(op.Mul(inYear, whole(5)), whole(2)), 153);
  const monthStart = over(op.Add(op.Mul(fromMarch, whole(153)), whole(2)), 5);
  return {
    day: op.Add(op.Sub(inYear, monthStart), whole(1)),
    month: op.Add(op.Mod(op.Add(fromMarch, whole(2)), whole(12)), whole(1)),
  };
};
