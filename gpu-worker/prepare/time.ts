import { presentSorted, quantile } from './quantile';

/** Fitted on training rows: how one column of instants (epoch microseconds) becomes features. */
export interface TimeFit {
  readonly kind: 'time';
  readonly name: string;
  /** Stands in for a missing instant. */
  readonly medianMicros: number;
  readonly indicator: boolean;
  /** The trend is the instant scaled to [0, 1] over this range, and stays there outside it. */
  readonly fromMicros: number;
  readonly toMicros: number;
  /** Which cycles the data can teach: a cycle needs values within it and a span that covers it. */
  readonly hour: boolean;
  readonly weekday: boolean;
  readonly season: boolean;
}

export const MICROS_PER_DAY = 86_400_000_000;
export const MICROS_PER_WEEK = 7 * MICROS_PER_DAY;
/** Mean Gregorian year. */
export const MICROS_PER_YEAR = 31_556_952_000_000;
/** 1970-01-05 was a Monday. */
export const FIRST_MONDAY_MICROS = 4 * MICROS_PER_DAY;
export const HOUR_HARMONICS = 4;
export const SEASON_HARMONICS = 2;

/** Undefined when the training rows hold one instant only. */
export const fitTime = (name: string, values: Float64Array, rows: Int32Array): TimeFit | undefined => {
  const sorted = presentSorted(values, rows);
  const fromMicros = sorted[0] ?? NaN;
  const toMicros = sorted[sorted.length - 1] ?? NaN;
  if (!(toMicros > fromMicros)) return undefined;
  const span = toMicros - fromMicros;
  return {
    kind: 'time',
    name,
    medianMicros: Math.round(quantile(sorted, 0.5)),
    indicator: sorted.length < rows.length,
    fromMicros,
    toMicros,
    hour: sorted.some((micros) => micros % MICROS_PER_DAY !== 0),
    weekday: span >= MICROS_PER_WEEK,
    season: span >= MICROS_PER_YEAR * 0.8,
  };
};

export const timeWidth = (fit: TimeFit): number =>
  1 +
  (fit.indicator ? 1 : 0) +
  (fit.hour ? 2 * HOUR_HARMONICS : 0) +
  (fit.weekday ? 7 : 0) +
  (fit.season ? 2 * SEASON_HARMONICS : 0);
