/** What a report says about why a model answers as it does. */
import type { EvaluationReport, Shapley } from '../../contracts';
import type { Table } from '../data/table';
import { permutation, randomKey } from '../../onnx';
import type { ExactShapley } from '../family/trained';
import type { SupervisedTarget } from '../prepare/target';
import type { RowOrder } from '../prepare/window';
import { Budget } from './budget';
import type { Sections } from './budget';
import { explainRows } from './explain/explain-rows';
import { permutationImportance } from './explain/importance';
import type { Score } from './explain/importance';
import { partialDependence } from './explain/partial-dependence';
import { SealedFile } from './explain/sealed-file';
import { tellingColumns } from './explain/telling-columns';

/** Columns that are looked at one by one; the rest stays together. */
const MOST_COLUMNS = 32;
const REPEATS = 5;
const BACKGROUND = 32;
/** Exact values of a row count as so many questions a background row, however many columns there are. */
const EXACT_QUESTIONS = 6;
const EXACT_BACKGROUND = 100;
const MOST_EXPLAINED = 50;
const MOST_CURVES = 6;
const POINTS = 20;

export interface ToExplain {
  readonly onnx: Uint8Array;
  readonly table: Table;
  /** Which rows follow each other, for a file that reads windows of them. */
  readonly order?: RowOrder;
  readonly target: SupervisedTarget;
  /** Held-out rows, and training rows to compare them with. */
  readonly rows: Int32Array;
  readonly training: Int32Array;
  /** As in `Trained`. */
  readonly shapley?: ExactShapley;
  readonly seed: number;
  readonly sections: Sections;
}

type Explanations = Pick<EvaluationReport, 'importance' | 'shapley' | 'partialDependence' | 'leftOut'>;

/** `places` of a random order, the same for the same seed. */
export const drawn = (rows: number, count: number, seed: number, what: number): Int32Array =>
  permutation(rows, randomKey(seed, what), 0).subarray(0, count);

const DRAW = { importance: 1, explained: 2, background: 3, curves: 4, screening: 5 };

export const explanations = async (asked: ToExplain): Promise<Explanations> => {
  const { onnx, table, order, target, sections } = asked;
  const classes = target.task === 'classification' ? target.classes : [];
  const file = await SealedFile.open({
    ...{ onnx, table, classes: classes.length, signal: sections.signal },
    ...(order && { order }),
  });
  const budget = new Budget({
    bytes: onnx.byteLength,
    cells: file.cells(),
    width: file.width,
    leftMs: sections.leftMs(),
  });
  try {
    return await explained(file, asked, classes, budget);
  } finally {
    await file.close();
  }
};

const explained = async (
  file: SealedFile,
  { target, rows, training, shapley: exact, seed, sections }: ToExplain,
  classes: readonly string[],
  budget: Budget,
): Promise<Explanations> => {
  const leftOut: Explanations['leftOut'] = [];
  const section = async <T>(name: string, work: () => Promise<T>): Promise<T | null> => {
    const why = budget.spent();
    if (why === undefined) return sections.make(name, work);
    leftOut.push({ section: name, why });
    return null;
  };
  const take = (from: Int32Array, count: number, what: number): Int32Array =>
    drawn(from.length, count, seed, what).map((place) => from[place]);

  const columns = await tellingColumns(file, take(rows, 1000, DRAW.screening), MOST_COLUMNS);
  if (columns.length < file.inputs.length)
    leftOut.push({
      section: 'importance',
      why: `of ${file.inputs.length} columns, the ${columns.length} whose groups differ most in their answers are looked at`,
    });
  const players = columns.length + (columns.length < file.inputs.length ? 1 : 0);

  const importance = await section('importance', () => {
    const count = budget.rows('importance', REPEATS * columns.length, { least: 20, most: 1000 });
    const sample = take(rows, count, DRAW.importance);
    return permutationImportance(file, sample, scoreOf(target, sample), { columns, repeats: REPEATS, seed });
  });

  const shapleyBy = async (method?: ExactShapley): Promise<Shapley | undefined> => {
    const known = method ? EXACT_BACKGROUND : BACKGROUND;
    const each = known * (method ? EXACT_QUESTIONS : 2 * (players + 1));
    const count = budget.rows('shapley', each, { least: 3, most: MOST_EXPLAINED });
    const places = drawn(rows.length, count, seed, DRAW.explained);
    const background = take(training, known, DRAW.background);
    const asked = { places: [...places], rows: places.map((place) => rows[place]) };
    const actual = (row: number): string | number | null =>
      target.task === 'regression' ? target.values[row] : (target.classes[target.codes[row]] ?? null);
    return explainRows(file, {
      ...{ ...asked, background, columns, classes, actual, seed, signal: sections.signal },
      ...(method && { exact: method }),
    });
  };
  const shapley = await section('shapley', async () => {
    const found = await shapleyBy(exact);
    if (found !== undefined) return found;
    leftOut.push({
      section: 'shapley',
      why: 'exact values of this model are too much work: they are sampled',
    });
    return (await shapleyBy()) ?? null;
  });

  const curves = (importance?.columns ?? []).slice(0, MOST_CURVES);
  const each = POINTS * Math.max(curves.length, 1);
  const sample = take(rows, budget.rows('partialDependence', each, { least: 20, most: 200 }), DRAW.curves);
  const partial: EvaluationReport['partialDependence'] = [];
  for (const { column } of curves) {
    const made = await section(`partial dependence of ${column}`, () =>
      partialDependence(file, column, sample, classes),
    );
    if (made !== null && made.points.length > 1) partial.push(made);
  }
  return { importance, shapley, partialDependence: partial, leftOut };
};

/** Root mean squared error, or log loss of the rows whose class is known. */
const scoreOf = (target: SupervisedTarget, rows: Int32Array): Score => {
  if (target.task === 'regression') {
    const of = (answers: Float32Array): number =>
      Math.sqrt(rows.reduce((sum, row, i) => sum + (answers[i] - target.values[row]) ** 2, 0) / rows.length);
    return { metric: 'rmse', of };
  }
  const classes = target.classes.length;
  const known = Int32Array.from(rows.keys()).filter((place) => target.codes[rows[place]] >= 0);
  const of = (answers: Float32Array): number =>
    known.reduce((sum, place) => {
      const p = answers[place * classes + target.codes[rows[place]]];
      return sum - Math.log(Math.max(p, 1e-15));
    }, 0) / Math.max(known.length, 1);
  return { metric: 'logLoss', of };
};
