/** The grid of a regular series: what lies between two rows, found from instants (epoch microseconds, UTC). */
import type { Step } from '../../../contracts';

const MICROS_PER_MINUTE = 60_000_000;
const MICROS_PER_DAY = 86_400_000_000;
/** A difference is the step when so large a share of neighbours has it; else the median difference is. */
const USUAL = 0.2;

/**
 * The step of series whose distinct instants, each series in rising order, are given. Months where every instant has the
 * same day and time of day; else the most frequent difference, so that gaps, jitter and a change of the clock do no harm.
 * Undefined where no series has two instants.
 */
export const detectStep = (series: readonly Float64Array[]): Step | undefined => {
  const differences = series.flatMap((instants) =>
    [...instants.subarray(1)].map((at, i) => at - instants[i]),
  );
  if (differences.length === 0) return undefined;
  const usual = usualOf(differences);
  if (usual < 28 * MICROS_PER_DAY || !series.every(sameDayOfMonth)) return { unit: 'micros', count: usual };
  const months = series.flatMap((instants) =>
    [...instants.subarray(1)].map((at, i) => monthOf(at) - monthOf(instants[i])),
  );
  return { unit: 'month', count: Math.max(1, usualOf(months)) };
};

const usualOf = (differences: readonly number[]): number => {
  const counts = new Map<number, number>();
  for (const difference of differences) counts.set(difference, (counts.get(difference) ?? 0) + 1);
  const [[usual, count]] = [...counts].sort(([a, n], [b, m]) => m - n || a - b);
  if (count >= USUAL * differences.length) return usual;
  const sorted = Float64Array.from(differences).sort();
  return Math.max(1, Math.round(sorted[sorted.length >> 1]));
};

const sameDayOfMonth = (instants: Float64Array): boolean => {
  const within = (micros: number): number => {
    const date = new Date(micros / 1000);
    return micros - Date.UTC(date.getUTCFullYear(), date.getUTCMonth()) * 1000;
  };
  return instants.every((at) => within(at) === within(instants[0]));
};

/** Months since the year 0. */
const monthOf = (micros: number): number => {
  const date = new Date(micros / 1000);
  return date.getUTCFullYear() * 12 + date.getUTCMonth();
};

/** Which cell of the grid that begins with `origin` is nearest to an instant. */
export const cellOf = (step: Step, origin: number, micros: number): number =>
  step.unit === 'micros'
    ? Math.round((micros - origin) / step.count)
    : Math.round((monthOf(micros) - monthOf(origin)) / step.count);

export const instantOf = (step: Step, origin: number, cell: number): number => {
  if (step.unit === 'micros') return origin + cell * step.count;
  const first = new Date(origin / 1000);
  const month = first.getUTCMonth() + cell * step.count;
  const start = Date.UTC(first.getUTCFullYear(), first.getUTCMonth()) * 1000;
  return Date.UTC(first.getUTCFullYear(), month) * 1000 + (origin - start);
};

/** Steps of the season that data of this step usually has; 1 where none is usual. */
export const usualSeason = (step: Step): number => {
  if (step.unit === 'month') return step.count < 12 && 12 % step.count === 0 ? 12 / step.count : 1;
  if (step.count === MICROS_PER_DAY) return 7;
  if (step.count === 7 * MICROS_PER_DAY) return 52;
  const cycle = step.count < MICROS_PER_MINUTE ? MICROS_PER_MINUTE : MICROS_PER_DAY;
  const steps = cycle / step.count;
  return steps >= 2 && Number.isInteger(steps) ? steps : 1;
};

export const stepName = (step: Step): string => {
  if (step.unit === 'month') return step.count === 1 ? 'month' : `${step.count} months`;
  for (const [micros, name] of UNITS) {
    const count = step.count / micros;
    if (Number.isInteger(count)) return count === 1 ? name : `${count} ${name}s`;
  }
  return `${step.count} microseconds`;
};

const UNITS = [
  [MICROS_PER_DAY, 'day'],
  [60 * MICROS_PER_MINUTE, 'hour'],
  [MICROS_PER_MINUTE, 'minute'],
  [1_000_000, 'second'],
] as const;
