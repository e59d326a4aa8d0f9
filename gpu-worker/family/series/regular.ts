/** Rows as they come made into series of equal steps. */
import { Failure } from '../../../contracts';
import type { HoldoutRule, Step } from '../../../contracts';
import type { Column, Table } from '../../data/table';
import { columnNamed } from '../../prepare/target';
import { rowOrder } from '../../prepare/window';
import type { RowOrder } from '../../prepare/window';
import { cellOf, detectStep, instantOf, stepName } from './step';

export interface RegularSeries {
  /** A row for each step of each series, series after series; what no row was there for is missing. */
  readonly table: Table;
  readonly order: RowOrder;
  readonly step: Step;
  /** What was found and done, in sentences. */
  readonly warnings: readonly string[];
}

/** Empty cells that gaps may add to each row before the step is called wrong. */
const MOST_EMPTY = 20;

/**
 * Brings the rows of `table` onto the grid of their series: rows of one cell are averaged (of categories the last counts),
 * empty cells have missing values. Instants are UTC: rows written in two zones meet where they belong. Throws
 * TOO_FEW_ROWS without two instants, BAD_INPUT where the gaps are far longer than the data.
 */
export const regularSeries = (
  table: Table,
  columns: readonly Column[],
  time: string,
  group: string | null,
  holdout: HoldoutRule,
): RegularSeries => {
  const timeColumn = columnNamed(table, time);
  if (timeColumn.kind !== 'time')
    throw new Failure('BAD_SPEC', `column ${time} holds no instants, so it cannot order a forecast`, {
      path: ['spec', 'forecast', 'time'],
    });
  const order = rowOrder(table, time, group);
  const instants = timeColumn.values;
  const series = seriesOf(order, instants);
  const step = detectStep(series.map(({ rows }) => distinct(rows, instants)));
  if (step === undefined)
    throw new Failure('TOO_FEW_ROWS', `no series has two different instants in column ${time}`);
  const origin = series.reduce((first, { rows }) => Math.min(first, instants[rows[0]]), Infinity);
  const grid = onGrid(series, instants, step, origin, table.rows);
  const { cells, sources, starts } = grid;
  const at = cells.map((cell) => instantOf(step, origin, cell));
  const count = cells.length;
  const positions = Int32Array.from({ length: count }, (_, row) => row);
  return {
    table: {
      rows: count,
      columns: columns.map((column) =>
        column.spec.name === time ? { ...timeColumn, values: at } : gathered(column, sources),
      ),
      holdout: Uint8Array.from({ length: count }, (_, row) =>
        holdout.kind === 'time'
          ? Number(at[row] >= holdout.fromMicros && at[row] <= holdout.toMicros)
          : sources.any(row, (source) => table.holdout[source] === 1),
      ),
    },
    order: { rows: positions, position: positions, start: starts },
    step,
    warnings: warningsOf(grid, { step, origin, time, instants, rows: table.rows }),
  };
};

interface OneSeries {
  /** Table rows with an instant, in order. */
  readonly rows: Int32Array;
}

const seriesOf = (order: RowOrder, instants: Float64Array): OneSeries[] => {
  const series: OneSeries[] = [];
  for (let from = 0; from < order.rows.length;) {
    let to = from + 1;
    while (to < order.rows.length && order.start[to] === from) to++;
    const rows = order.rows.subarray(from, to).filter((row) => !Number.isNaN(instants[row]));
    if (rows.length > 0) series.push({ rows });
    from = to;
  }
  return series;
};

const distinct = (rows: Int32Array, instants: Float64Array): Float64Array =>
  Float64Array.from(
    [...rows].flatMap((row, i) => (i > 0 && instants[rows[i - 1]] === instants[row] ? [] : [instants[row]])),
  );

/** Which rows of the table stand for each row of the grid: those from `offsets[i]` up to `offsets[i + 1]`. */
class Sources {
  constructor(
    private readonly rows: Int32Array,
    private readonly offsets: Int32Array,
  ) {}
  get length(): number {
    return this.offsets.length - 1;
  }
  count(at: number): number {
    return this.offsets[at + 1] - this.offsets[at];
  }
  of(at: number): Int32Array {
    return this.rows.subarray(this.offsets[at], this.offsets[at + 1]);
  }
  any(at: number, is: (row: number) => boolean): number {
    return this.of(at).some(is) ? 1 : 0;
  }
}

interface Grid {
  readonly cells: Float64Array;
  readonly sources: Sources;
  /** Where the series of each grid row begins. */
  readonly starts: Int32Array;
}

const onGrid = (
  series: readonly OneSeries[],
  instants: Float64Array,
  step: Step,
  origin: number,
  rows: number,
): Grid => {
  const cell = (row: number): number => cellOf(step, origin, instants[row]);
  const spans = series.map(({ rows: own }) => cell(own[own.length - 1]) - cell(own[0]) + 1);
  const count = spans.reduce((sum, span) => sum + span, 0);
  if (count > 1000 + MOST_EMPTY * rows)
    throw new Failure(
      'BAD_INPUT',
      `at a step of one ${stepName(step)} the series would have ${count} rows, ${rows} of them known`,
      { hint: 'leave out rows that are far away in time, or average the rows over longer steps first' },
    );
  const cells = new Float64Array(count);
  const starts = new Int32Array(count);
  const offsets = new Int32Array(count + 1);
  const ordered: number[] = [];
  let at = 0;
  series.forEach(({ rows: own }, which) => {
    const [start, first] = [at, cell(own[0])];
    let next = 0;
    for (let i = 0; i < spans[which]; i++, at++) {
      cells[at] = first + i;
      starts[at] = start;
      while (next < own.length && cell(own[next]) <= first + i) ordered.push(own[next++]);
      offsets[at + 1] = ordered.length;
    }
  });
  return { cells, starts, sources: new Sources(Int32Array.from(ordered), offsets) };
};

const gathered = (column: Column, sources: Sources): Column => {
  const length = sources.length;
  if ('codes' in column) {
    const last = (at: number): number => sources.of(at).findLast((row) => column.codes[row] >= 0) ?? -1;
    return { ...column, codes: Int32Array.from({ length }, (_, at) => column.codes[last(at)] ?? -1) };
  }
  const values = Float64Array.from({ length }, (_, at) => {
    let [sum, count] = [0, 0];
    for (const row of sources.of(at)) {
      if (Number.isNaN(column.values[row])) continue;
      sum += column.values[row];
      count++;
    }
    return count === 0 ? NaN : column.kind === 'time' ? Math.round(sum / count) : sum / count;
  });
  return { ...column, values };
};

const warningsOf = (
  { cells, sources }: Grid,
  given: { step: Step; origin: number; time: string; instants: Float64Array; rows: number },
): string[] => {
  const { step, origin, time, instants, rows } = given;
  let [repeated, empty, moved, known] = [0, 0, 0, 0];
  for (let at = 0; at < sources.length; at++) {
    const count = sources.count(at);
    known += count;
    if (count > 1) repeated++;
    if (count === 0) empty++;
    const exact = instantOf(step, origin, cells[at]);
    for (const row of sources.of(at)) if (instants[row] !== exact) moved++;
  }
  const warnings: string[] = [];
  const say = (count: number, text: string): unknown => count > 0 && warnings.push(`${count} ${text}`);
  say(rows - known, `rows have no instant in column ${time}; they are left out`);
  say(repeated, `instants have more than one row; their values were averaged`);
  say(empty, `steps of one ${stepName(step)} have no row; they count as missing`);
  say(moved, `rows lie between two steps of one ${stepName(step)}; each counts for the nearest step`);
  return warnings;
};
