import type { Encoding } from './encoding';
import { presentSorted, quantile } from './quantile';

/** Fitted on training rows: how one column of instants (epoch microseconds) becomes features. */
export interface TimeFit {
  readonly kind: 'time';
  readonly name: string;
  readonly encoding: Encoding['times'];
  /** Stands in for a missing instant; null: its features are NaN. */
  readonly fillMicros: number | null;
  readonly indicator: boolean;
  /** The trend is the instant scaled to [0, 1] over this range, and stays there outside it. */
  readonly fromMicros: number;
  readonly toMicros: number;
  /** Which cycles the data can teach: a cycle needs values within it and a span that covers it. */
  readonly hour: boolean;
  readonly weekday: boolean;
  readonly day: boolean;
  readonly season: boolean;
}

export const MICROS_PER_HOUR = 3_600_000_000;
export const MICROS_PER_DAY = 24 * MICROS_PER_HOUR;
export const MICROS_PER_WEEK = 7 * MICROS_PER_DAY;
/** Mean Gregorian year. */
export const MICROS_PER_YEAR = 31_556_952_000_000;
/** 1970-01-05 was a Monday. */
export const FIRST_MONDAY_MICROS = 4 * MICROS_PER_DAY;
export const HOUR_HARMONICS = 4;
export const SEASON_HARMONICS = 2;
/** A missing instant; the smallest int64, no date. A missing number is NaN, a missing text is ''. */
export const MISSING_TIME = -(2n ** 63n);

/** Undefined when the training rows hold one instant only. */
export const fitTime = (
  name: string,
  values: Float64Array,
  rows: Int32Array,
  { times, missing }: Encoding,
): TimeFit | undefined => {
  const sorted = presentSorted(values, rows);
  const fromMicros = sorted[0];
  const toMicros = sorted[sorted.length - 1];
  if (!(toMicros > fromMicros)) return undefined;
  const span = toMicros - fromMicros;
  const kept = missing === 'kept';
  return {
    kind: 'time',
    name,
    encoding: times,
    fillMicros: kept ? null : Math.round(quantile(sorted, 0.5)),
    indicator: !kept && sorted.length < rows.length,
    fromMicros,
    toMicros,
    hour: sorted.some((micros) => micros % MICROS_PER_DAY !== 0),
    weekday: span >= MICROS_PER_WEEK,
    day: times === 'parts' && span >= MICROS_PER_YEAR / 6,
    season: span >= MICROS_PER_YEAR * 0.8,
  };
};

/** Widths of the features after trend and indicator, in their order. */
export const timeParts = (
  fit: TimeFit,
): { readonly part: 'hour' | 'weekday' | 'day' | 'season'; readonly width: number }[] => {
  const cyclic = fit.encoding === 'cyclic';
  const all = [
    { part: 'hour', width: cyclic ? 2 * HOUR_HARMONICS : 1 },
    { part: 'weekday', width: cyclic ? 7 : 1 },
    { part: 'day', width: 1 },
    { part: 'season', width: cyclic ? 2 * SEASON_HARMONICS : 1 },
  ] as const;
  return all.filter(({ part }) => fit[part]);
};
