/** Which windows of a regular series teach, which choose and which judge. A window is named by its last known row. */
import { Failure } from '../../../contracts';
import type { Table } from '../../data/table';
import type { Split } from '../../prepare/split';
import type { ForecastTarget } from '../../prepare/target';
import type { RowOrder } from '../../prepare/window';

export interface WindowShape {
  readonly lookback: number;
  readonly horizon: number;
}

export interface WindowSplit extends Split {
  /** Training and validation windows and those that reach from the one part into the other. */
  readonly learnable: Int32Array;
  /** Rows before the validation part: what scales are fitted on. */
  readonly trainingRows: Int32Array;
}

interface Asked extends WindowShape {
  /** Values that are forecast, one array a series, NaN = missing. */
  readonly values: readonly Float64Array[];
  readonly instants: Float64Array;
  readonly validationFraction: number;
  readonly season: number;
}

/** Fewer windows than this teach nothing. */
const FEWEST_WINDOWS = 8;

/** Distinct instants of the rows that may be learned from, rising. */
export const learnableInstants = ({ holdout }: Table, instants: Float64Array): Float64Array =>
  Float64Array.from(new Set(instants.filter((_, row) => holdout[row] === 0))).sort();

/**
 * The first step of the validation part: the last `validationFraction` of the steps, at least a horizon and a season of
 * them. Throws TOO_FEW_ROWS.
 */
export const validationStart = (
  steps: Float64Array,
  { lookback, horizon, season, validationFraction }: Omit<Asked, 'values' | 'instants'>,
): number => {
  const wanted = Math.max(Math.ceil(steps.length * validationFraction), horizon + Math.min(season, horizon));
  const needed = lookback + horizon + FEWEST_WINDOWS - 1;
  const count = Math.min(wanted, Math.max(horizon, steps.length - needed));
  if (steps.length < needed + horizon)
    throw tooFew(`${steps.length} steps are left`, needed + horizon, { lookback, horizon });
  return steps[steps.length - count];
};

/**
 * Training windows are complete and end with their horizon before the validation part; no window that teaches or chooses
 * touches a held-out row. Windows of the validation and the held-out part read earlier rows as they will when they are
 * served, and need one known value on each side. Throws TOO_FEW_ROWS.
 */
export const splitWindows = (table: Table, order: RowOrder, asked: Asked): WindowSplit => {
  const { lookback, horizon, values, instants } = asked;
  const boundary = validationStart(learnableInstants(table, instants), asked);
  const length = table.rows;
  const sums = (is: (row: number) => boolean): Int32Array => {
    const running = new Int32Array(length + 1);
    for (let row = 0; row < length; row++) running[row + 1] = running[row] + (is(row) ? 1 : 0);
    return running;
  };
  const held = sums((row) => table.holdout[row] === 1);
  const late = sums((row) => instants[row] >= boundary);
  const known = sums((row) => values.some((of) => !Number.isNaN(of[row])));
  const whole = sums((row) => values.every((of) => !Number.isNaN(of[row])));
  const parts: Record<'training' | 'validation' | 'test' | 'learnable', number[]> = {
    training: [],
    validation: [],
    test: [],
    learnable: [],
  };
  for (let row = 0; row < length; row++) {
    const last = row + horizon;
    if (last >= length || order.start[last] !== order.start[row]) continue;
    const first = row + 1 - lookback;
    const start = Math.max(first, order.start[row]);
    const within = (of: Int32Array, from: number, to: number): number => of[to + 1] - of[from];
    const heldAhead = within(held, row + 1, last);
    const answered = within(known, row + 1, last) > 0 && within(known, start, row) > 0;
    if (heldAhead === horizon) {
      if (answered) parts.test.push(row);
      continue;
    }
    if (within(held, start, last) > 0) continue;
    const lateAhead = within(late, row + 1, last);
    if (lateAhead === horizon && answered) parts.validation.push(row);
    const teaches =
      first === start &&
      within(whole, row + 1, last) === horizon &&
      within(known, first, row) * 2 >= lookback &&
      values.every((of) => isKnown(of.subarray(first, row + 1)));
    if (!teaches) continue;
    parts.learnable.push(row);
    if (lateAhead === 0) parts.training.push(row);
  }
  if (parts.training.length < FEWEST_WINDOWS)
    throw tooFew(
      `${parts.training.length} windows without gaps are left`,
      lookback + 2 * horizon + FEWEST_WINDOWS - 1,
      asked,
    );
  return {
    training: Int32Array.from(parts.training),
    validation: Int32Array.from(parts.validation),
    test: Int32Array.from(parts.test),
    learnable: Int32Array.from(parts.learnable),
    trainingRows: Int32Array.from({ length }, (_, row) => row).filter(
      (row) => table.holdout[row] === 0 && instants[row] < boundary,
    ),
  };
};

/**
 * Windows that lie within their series and whose horizon is known in full. Each series is known somewhere in the look-back,
 * too: filled from elsewhere, it could show what comes after it.
 */
export const completeWindows = (
  windows: Int32Array,
  { values, order, lookback, horizon }: Pick<ForecastTarget, 'values' | 'order' | 'lookback' | 'horizon'>,
): Int32Array =>
  windows.filter(
    (row) =>
      row + 1 - lookback >= order.start[row] &&
      values.every(
        (of) =>
          isKnown(of.subarray(row + 1 - lookback, row + 1)) &&
          !of.subarray(row + 1, row + 1 + horizon).some(Number.isNaN),
      ),
  );

const isKnown = (cells: Float64Array): boolean => cells.some((value) => !Number.isNaN(value));

const tooFew = (found: string, needed: number, { lookback, horizon }: WindowShape): Failure =>
  new Failure(
    'TOO_FEW_ROWS',
    `${found} to learn from after the held-out ones; a look-back of ${lookback} and a horizon of ${horizon} steps need at least ${needed} steps`,
    { path: ['spec', 'forecast'], hint: 'choose a shorter horizon or look-back, or add rows' },
  );
