import type { Shapley } from '../../../contracts';
import type { ExactShapley, ShapleyValues, ToShare } from '../../family/trained';
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
  readonly signal: AbortSignal;
  /** Sampled without. */
  readonly exact?: ExactShapley;
}

/**
 * Shapley values of single answers: of the number, or of what is said about the most probable label. Undefined where `exact`
 * ones are too much work.
 */
export const explainRows = async (file: SealedFile, asked: RowsToExplain): Promise<Shapley | undefined> => {
  const { rows, places, background, columns, classes, actual, seed, signal, exact } = asked;
  const own = new Set(columns);
  const together = file.inputs.filter((name) => !own.has(name));
  const names = together.length > 0 ? [...columns, OTHERS] : [...columns];
  const playerOfInput = new Map(
    file.inputs.map((name) => [name, own.has(name) ? columns.indexOf(name) : columns.length]),
  );
  const cellOf = (name: string, row: number): string | number | null => {
    const column = own.has(name) ? file.column(name) : undefined;
    const cell = column === undefined ? null : rawValue(column, row);
    return typeof cell === 'string' && cell.length > MOST_LETTERS ? `${cell.slice(0, MOST_LETTERS)}…` : cell;
  };
  const labels = classes.length === 0 ? new Int32Array(rows.length) : await mostProbable(file, rows);
  const players = names.length;
  const playerOf = (name: string): number => playerOfInput.get(name) ?? 0;
  const toShare = { rows, labels, background, players, playerOf };
  const values = await (exact?.values(toShare, signal) ?? sampled(file, toShare, seed));
  if (values === undefined) return undefined;
  const explained = values.map((one, at): Shapley['rows'][number] => ({
    row: places[at],
    label: classes[labels[at]] ?? null,
    ...{ base: one.base, output: one.output, actual: actual(rows[at]) },
    values: [...one.values],
    cells: names.map((name) => cellOf(name, rows[at])),
  }));
  const sizes = names.map((column, player) => ({
    player,
    column,
    meanAbsolute: explained.reduce((sum, { values }) => sum + Math.abs(values[player]), 0) / explained.length,
  }));
  sizes.sort((a, b) => b.meanAbsolute - a.meanAbsolute);
  return {
    method: exact === undefined ? 'sampled' : 'exact',
    unit: exact?.unit ?? (classes.length === 0 ? 'target' : 'probability'),
    backgroundRows: background.length,
    together,
    summary: sizes.map(({ column, meanAbsolute }) => ({ column, meanAbsolute })),
    rows: explained.map((one) => ({
      ...one,
      values: sizes.map(({ player }) => one.values[player]),
      cells: sizes.map(({ player }) => one.cells[player]),
    })),
  };
};

const sampled = async (
  file: SealedFile,
  { rows, labels, background, players, playerOf }: ToShare,
  seed: number,
): Promise<ShapleyValues[]> => {
  const found: ShapleyValues[] = [];
  for (const [at, row] of rows.entries()) {
    const ask = async ({ background: from, known }: Questions): Promise<Float64Array> => {
      const source = (name: string): Int32Array =>
        from.map((which, question) =>
          known[question * players + playerOf(name)] === 1 ? row : background[which],
        );
      const answers = await file.answers(from.length, source);
      return Float64Array.from(from, (_, question) => answers[question * file.width + labels[at]]);
    };
    found.push(await sampledShapley({ players, backgrounds: background.length, ask }, seed));
  }
  return found;
};

const mostProbable = async (file: SealedFile, rows: Int32Array): Promise<Int32Array> => {
  const { width } = file;
  const answers = await file.answers(rows.length, () => rows);
  return rows.map((_, at) => greatest(answers.subarray(at * width, (at + 1) * width)));
};

/** Of a cell's text in the report. */
const MOST_LETTERS = 200;

/** Name of the share of all columns without one of their own. */
const OTHERS = '(others)';

const greatest = (values: Float32Array): number => values.indexOf(Math.max(...values));
