/** Shapley values by their definition, of anything and of trained trees: what the exact ones are held against. */
import { TreesSpec } from '../../../../contracts';
import { modelBytes } from '../../../../onnx';
import type { Table } from '../../../data/table';
import { SealedFile } from '../../../evaluate/explain/sealed-file';
import { RAW } from '../../../prepare/encoding';
import { typedInputs } from '../../../prepare/graph';
import { columnNamed, fitTarget } from '../../../prepare/target';
import type { SupervisedTarget } from '../../../prepare/target';
import { rowOrder } from '../../../prepare/window';
import { request } from '../../../testing/examples';
import { Assembly, featureColumns } from '../../../train/assemble';
import type { ShapleyValues, Trained } from '../../trained';
import { trees } from '../trees';

const { signal } = new AbortController();

/** By the definition, over all sets of players; `answer(set)` is the mean answer when those of its bits are known. */
export const definition = async (
  players: number,
  answer: (set: number) => number | Promise<number>,
): Promise<ShapleyValues> => {
  const answers: number[] = [];
  for (let set = 0; set < 1 << players; set++) answers.push(await answer(set));
  const factorial = (n: number): number => (n <= 1 ? 1 : n * factorial(n - 1));
  const size = (set: number): number => set.toString(2).replaceAll('0', '').length;
  const values = Float64Array.from({ length: players }, (_, one) =>
    answers.reduce((sum, without, set) => {
      if ((set >> one) & 1) return sum;
      const share = (factorial(size(set)) * factorial(players - 1 - size(set))) / factorial(players);
      return sum + share * (answers[set | (1 << one)] - without);
    }, 0),
  );
  return { base: answers[0], output: answers.at(-1) ?? NaN, values };
};

export const expectSame = (found: ShapleyValues, expected: ShapleyValues, digits: number): void => {
  expect(found.base).toBeCloseTo(expected.base, digits);
  expect(found.output).toBeCloseTo(expected.output, digits);
  found.values.forEach((value, player) => expect(value).toBeCloseTo(expected.values[player], digits));
  const total = found.values.reduce((sum, value) => sum + value, found.base);
  expect(total).toBeCloseTo(found.output, 10);
};

export const difference = (one: ShapleyValues, other: ShapleyValues): ShapleyValues => ({
  base: one.base - other.base,
  output: one.output - other.output,
  values: one.values.map((value, player) => value - other.values[player]),
});

/** Learns `y` from the first four fifths of the rows; the file answers mixtures of rows by the graph that is sealed. */
export const learnt = async (
  table: Table,
  task: SupervisedTarget['task'],
  spec: Readonly<Record<string, unknown>>,
): Promise<{
  readonly target: SupervisedTarget;
  readonly trained: Trained;
  /** What two columns each were made one feature of, where there is no window. */
  readonly pairs: string[];
  readonly file: SealedFile;
}> => {
  const all = Int32Array.from({ length: table.rows }, (_, row) => row);
  const [training, validation] = [all.subarray(0, 0.8 * table.rows), all.subarray(0.8 * table.rows)];
  const target = fitTarget(columnNamed(table, 'y'), task, { training, validation });
  const asked = request({ family: 'trees', trees: 25, leaves: 8, minRows: 5, ...spec });
  const columns = featureColumns(table, asked);
  const data = new Assembly({ table, columns, target, holdout: asked.holdout, signal }, training, validation);
  const parsed = TreesSpec.parse(asked.spec);
  const trained = await trees.train(parsed, data, {
    ...{ seed: 1, signal, progress: () => undefined },
    engine: { name: 'onnxruntime', device: 'cpu', version: '' },
  });
  const { preparation } = await data.prepared({ ...RAW, interactions: parsed.interactions });
  const classes = target.task === 'classification' ? target.classes.length : 0;
  const typed = typedInputs(trained.inputs);
  const outputs = { [classes > 0 ? 'probabilities' : 'prediction']: trained.output(typed) };
  const onnx = modelBytes({ name: 'trees', inputs: Object.values(typed), outputs });
  const pairs = preparation.interactions.map(({ of }) => [...of].sort().join(' and '));
  const { window } = parsed;
  const order = window && rowOrder(table, window.order, window.group ?? null);
  const file = await SealedFile.open({ onnx, table, classes, signal, ...(order && { order }) });
  return { target, trained, pairs, file };
};

const background = Int32Array.from({ length: 20 }, (_, i) => 7 * i);
/** Each column a player, unless `playerOf` says otherwise. */
const ownPlayers =
  (names: readonly string[]) =>
  (column: string): number =>
    names.indexOf(column);

/** What the trained model says of its answers to `rows`, about the class `label`. */
export const sharesOf = async (
  trained: Trained,
  rows: Int32Array,
  label: number,
  playerOf = ownPlayers(trained.inputs.map(({ spec }) => spec.name)),
): Promise<ShapleyValues[]> => {
  const players = 1 + Math.max(...trained.inputs.map(({ spec }) => playerOf(spec.name)));
  const asked = { rows, background, labels: rows.map(() => label), players, playerOf };
  const found = await trained.shapley?.values(asked, signal);
  if (found === undefined) throw new Error('not exact');
  return found;
};

/** The same of one row by asking the file about every mixture; `of` makes a number of an answer. */
export const sharesByDefinition = (
  file: SealedFile,
  row: number,
  of: (answer: Float32Array) => number,
  playerOf = ownPlayers(file.inputs),
): Promise<ShapleyValues> =>
  definition(1 + Math.max(...file.inputs.map(playerOf)), async (set) => {
    const answers = await file.answers(background.length, (name) =>
      (set >> playerOf(name)) & 1 ? background.map(() => row) : background,
    );
    const each = Array.from(background, (_, i) => of(answers.subarray(i * file.width, (i + 1) * file.width)));
    return each.reduce((sum, value) => sum + value, 0) / each.length;
  });
