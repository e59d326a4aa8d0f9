/** The target column as numbers a network can learn, and the way back. */
import { Failure, oneOf } from '../../contracts';
import type { Smoothing, Step } from '../../contracts';
import type { Column, Table } from '../data/table';
import type { RowOrder } from './window';

export type Target = SupervisedTarget | ForecastTarget | UnsupervisedTarget;
export type SupervisedTarget = RegressionTarget | ClassificationTarget;

export interface RegressionTarget {
  readonly task: 'regression';
  /** In target units, one a table row, NaN = missing. */
  readonly values: Float64Array;
  /** Of the training rows: training sees (value - mean) / deviation. */
  readonly mean: number;
  readonly deviation: number;
}

export interface ClassificationTarget {
  readonly task: 'classification';
  /** Class index, one a table row, -1 = missing or a class that no training row has. */
  readonly codes: Int32Array;
  readonly classes: readonly string[];
  /** Rows of each class among the training rows. */
  readonly counts: readonly number[];
}

export interface ForecastTarget {
  readonly task: 'forecast';
  /** Number columns whose next values are asked for. */
  readonly series: readonly string[];
  /** Their values, one a table row, NaN = missing; the table is regular: a row is one step after the row before it. */
  readonly values: readonly Float64Array[];
  /** Of the training rows, one a series: models see (value - mean) / deviation. */
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
  /** What MASE is measured in, one a series (evaluate/forecast.ts). */
  readonly scales: readonly (number | null)[];
  readonly order: RowOrder;
  readonly step: Step;
  /** Steps of the past that a model reads, the row of the window itself included. */
  readonly lookback: number;
  /** Filter of what a model reads of the past; `values` are raw. */
  readonly smooth: Smoothing | undefined;
  /** Steps ahead that are answered: 1 to `horizon`. */
  readonly horizon: number;
  /** Levels in (0, 1), ascending. */
  readonly quantiles: readonly number[];
  /** Steps of the seasonal-naive forecast that a model must beat. */
  readonly season: number;
  /** Windows that may be learned from in the end, validation included: complete, and without held-out rows. */
  readonly learnable: Int32Array;
  readonly refit: boolean;
}

export interface UnsupervisedTarget {
  readonly task: 'anomaly' | 'clustering' | 'synthesis';
  /** What is known about the rows and only ever used to judge; null where nothing is. */
  readonly labels: Pick<ClassificationTarget, 'codes' | 'classes'> | null;
}

export const isSupervised = (target: Target | null): target is SupervisedTarget =>
  target?.task === 'regression' || target?.task === 'classification';

/** For tasks that learn from known answers. */
export const requireTarget = (target: string | null): string => {
  if (target !== null) return target;
  throw new Failure('TARGET_MISSING', 'this task needs a target');
};

export const columnNamed = (table: Table, name: string): Column => {
  const found = table.columns.find((column) => column.spec.name === name);
  if (found !== undefined) return found;
  throw new Failure(
    'TARGET_MISSING',
    oneOf(
      'column',
      name,
      table.columns.map((column) => column.spec.name),
    ),
  );
};

/** Which rows have a value in the target column: 1 = yes. */
export const targetPresent = (column: Column): Uint8Array =>
  column.kind === 'number' || column.kind === 'time'
    ? Uint8Array.from(column.values, (value) => (Number.isNaN(value) ? 0 : 1))
    : Uint8Array.from(column.codes, (code) => (code < 0 ? 0 : 1));

/** Scale and class counts come from the training rows; classes also from the validation rows. */
export const fitTarget = (
  column: Column,
  task: SupervisedTarget['task'],
  split: LearningRows,
): SupervisedTarget =>
  task === 'regression' ? fitRegression(column, split.training) : fitClassification(column, split);

interface LearningRows {
  readonly training: Int32Array;
  readonly validation: Int32Array;
}

const fitRegression = (column: Column, training: Int32Array): RegressionTarget => {
  if (column.kind !== 'number') {
    throw new Failure('TARGET_NOT_NUMERIC', `column ${column.spec.name} holds no numbers`, {
      hint: 'choose the task classification, or a number column as target',
    });
  }
  const { values } = column;
  let sum = 0;
  for (const row of training) sum += values[row];
  const mean = sum / training.length;
  let squares = 0;
  for (const row of training) squares += (values[row] - mean) ** 2;
  const deviation = Math.sqrt(squares / training.length);
  if (!(deviation > 0)) throw constant(column);
  return { task: 'regression', values, mean, deviation };
};

const fitClassification = (column: Column, { training, validation }: LearningRows): ClassificationTarget => {
  const labels = rowLabels(column);
  const seen = new Set<string>();
  for (const rows of [training, validation])
    for (const row of rows) {
      const label = labels(row);
      if (label !== undefined) seen.add(label);
    }
  const classes = [...seen];
  classes.sort(
    classes.every((label) => label.trim() !== '' && Number.isFinite(Number(label)))
      ? (a, b) => Number(a) - Number(b)
      : (a, b) => (a < b ? -1 : 1),
  );
  if (classes.length < 2) throw constant(column);
  const index = new Map(classes.map((label, i) => [label, i]));
  const codes = Int32Array.from({ length: rowCount(column) }, (_, row) => index.get(labels(row) ?? '') ?? -1);
  const counts = classes.map(() => 0);
  for (const row of training) {
    const code = codes[row];
    counts[code]++;
  }
  return { task: 'classification', codes, classes, counts };
};

const rowCount = (column: Column): number =>
  'values' in column ? column.values.length : column.codes.length;

const rowLabels = (column: Column): ((row: number) => string | undefined) =>
  'values' in column
    ? (row) => {
        const value = column.values[row];
        return Number.isNaN(value) ? undefined : String(value);
      }
    : (row) => column.dictionary[column.codes[row]];

const constant = (column: Column): Failure =>
  new Failure('TARGET_CONSTANT', `column ${column.spec.name} has one value only in the rows to learn from`);
