import type { Shapley } from '../../../contracts';
import type { ShapleyValues } from '../../family/trained';
import { rawValue } from '../../data/raw-value';
import type { SealedFile } from './sealed-file';
import { sampledShapley } from './shapley';
import type { Questions } from './shapley';

export interface RowsToExplain {
  /** Table rows, and their places among the held-out ones. */
  readonly rows: Int32Array;
  readonly places: readonly number[];
  /** Table rows that stand for «not known»: training rows, as the model has learned what is usual from them. */
  readonly background: Int32Array;
  /** Columns with a value of their own; all others share the last one. */
  readonly columns: readonly string[];
  /** Class labels; empty where the answer is a number. */
  readonly classes: readonly string[];
  /** What was true for a table row. */
  readonly actual: (row: number) => string | number | null;
  readonly seed: number;
  /** Exact values in the units of the answers; sampled without. */
  readonly exact?: ShapleyValues;
}

/** Shapley values of the served answers: of the number, or of the most probable label's probability. */
export const explainRows = async (file: SealedFile, asked: RowsToExplain): Promise<Shapley> => {
  const { rows, places, background, columns, classes, actual, seed, exact } = asked;
  const own = new Set(columns);
  const together = file.inputs.filter((name) => !own.has(name));
  const names = together.length > 0 ? [...columns, OTHERS] : [...columns];
  const playerOf = new Map(
    file.inputs.map((name) => [name, own.has(name) ? columns.indexOf(name) : columns.length]),
  );
  const cellOf = (name: string, row: number): string | number | null => {
    const column = own.has(name) ? file.column(name) : undefined;
    const cell = column === undefined ? null : rawValue(column, row);
    return typeof cell === 'string' && cell.length > MOST_LETTERS ? `${cell.slice(0, MOST_LETTERS)}…` : cell;
  };
  const explained: Shapley['rows'] = [];
  for (const [at, row] of rows.entries()) {
    const label = classes.length === 0 ? 0 : greatest(await file.answers(1, () => Int32Array.of(row)));
    const ask = async ({ background: from, known }: Questions): Promise<Float64Array> => {
      const source = (name: string): Int32Array => {
        const player = playerOf.get(name) ?? 0;
        return from.map((which, question) =>
          known[question * names.length + player] === 1 ? row : background[which],
        );
      };
      const answers = await file.answers(from.length, source);
      return Float64Array.from(from, (_, question) => answers[question * file.width + label]);
    };
    const { base, output, values } =
      exact === undefined
        ? await sampledShapley({ players: names.length, backgrounds: background.length, ask }, seed)
        : exactly(
            exact,
            at,
            exact.columns.map((name) => playerOf.get(name) ?? 0),
            names.length,
          );
    explained.push({
      row: places[at],
      label: classes[label] ?? null,
      ...{ base, output, actual: actual(row) },
      values: [...values],
      cells: names.map((name) => cellOf(name, row)),
    });
  }
  const sizes = names.map((column, player) => ({
    player,
    column,
    meanAbsolute: explained.reduce((sum, { values }) => sum + Math.abs(values[player]), 0) / explained.length,
  }));
  sizes.sort((a, b) => b.meanAbsolute - a.meanAbsolute);
  return {
    method: exact === undefined ? 'sampled' : 'exact',
    backgroundRows: exact?.rows ?? background.length,
    together,
    summary: sizes.map(({ column, meanAbsolute }) => ({ column, meanAbsolute })),
    rows: explained.map((one) => ({
      ...one,
      values: sizes.map(({ player }) => one.values[player]),
      cells: sizes.map(({ player }) => one.cells[player]),
    })),
  };
};

/** The values of one row; columns that share a player are added up. `players`: of each column. */
const exactly = (
  { base, values }: ShapleyValues,
  row: number,
  players: readonly number[],
  count: number,
): { base: number; output: number; values: Float64Array } => {
  const shared = new Float64Array(count);
  players.forEach((player, column) => (shared[player] += values[row * players.length + column]));
  return { base, output: shared.reduce((sum, value) => sum + value, base), values: shared };
};

/** Of a cell's text in the report. */
const MOST_LETTERS = 200;

/** Name of the share of all columns without one of their own. */
const OTHERS = '(others)';

const greatest = (values: Float32Array): number => values.indexOf(Math.max(...values));
