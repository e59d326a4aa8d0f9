import { constant, op, tensor, vector, weightConstants } from '../../../onnx';
import type { Value } from '../../../onnx';
import { Failure, oneOf } from '../../../contracts';
import type { ColumnSpec, GanSpec } from '../../../contracts';
import type { UnsupervisedTarget } from '../../prepare/target';
import type { TrainingContext, TrainingData } from '../data';
import type { Family } from '../family';
import { PLAIN } from '../network/options';
import { trainNetwork } from '../network/train-network';
import { servedOutput } from '../trained';
import type { Trained } from '../trained';
import { encodeRows, fitColumns } from './columns';
import type { CategoryColumn, GeneratedColumn } from './columns';
import { encodedWidth, ganNetwork, generated, normals } from './network';
import type { GanShape } from './network';
import { uniformOf } from './uniform';

/** Steps of a training whose length nobody said. */
const STEPS = 3_000;

/** The column that a request for rows counts by: the same seed gives the same row. */
export const SEED_COLUMN: ColumnSpec = { v: 1, name: 'seed', type: 'number', missing: [] };

export const gan: Family<GanSpec, UnsupervisedTarget> = {
  tasks: ['synthesis'],
  validationFraction: () => 0,
  train: async (spec, data, context) => {
    const learned = data.columns.filter(({ spec: { name } }) => name !== SEED_COLUMN.name);
    const columns = fitColumns(learned, data.training);
    const condition = conditionOf(spec.condition, columns, data);
    const shape: GanShape = {
      columns,
      conditions: condition?.values.length ?? 0,
      latent: spec.latent,
      hidden: spec.hidden,
    };
    const x = encodeRows(columns, learned, data.training, context.seed);
    const weights = await train(spec, shape, x, condition, context, data.training.length);
    const shares = condition === undefined ? [1] : sharesOf(x, shape, condition, data.training.length);
    const inputs: Trained['inputs'] = [
      { spec: SEED_COLUMN, known: null },
      ...(condition === undefined ? [] : [{ spec: condition.spec, known: [...condition.values] }]),
    ];
    const output = (typed: Readonly<Record<string, Value>>): Value =>
      madeOf(shape, weights, typed, condition, shares);
    return {
      spec: { ...spec, ...(condition && { condition: condition.spec.name }) },
      inputs,
      output,
      generated: columns,
      history: weights.history,
      predict: (rows, signal) => servedOutput({ inputs, output }, data.table, rows, signal),
    };
  },
};

const conditionOf = (
  asked: string | undefined,
  columns: readonly GeneratedColumn[],
  { columns: offered }: TrainingData<UnsupervisedTarget>,
): CategoryColumn | undefined => {
  const categories = columns.filter(
    (column): column is CategoryColumn => column.kind === 'category' && column.spec.type === 'category',
  );
  if (asked === undefined) {
    const last = offered.at(-1)?.spec.name;
    return categories.find(({ spec }) => spec.name === last);
  }
  const found = categories.find(({ spec }) => spec.name === asked);
  if (found !== undefined) return found;
  const names = categories.map(({ spec }) => spec.name);
  throw new Failure('BAD_SPEC', oneOf('condition', asked, names), { path: ['spec', 'condition'] });
};

interface Weights {
  readonly members: Awaited<ReturnType<typeof trainNetwork>>['members'];
  readonly history: Trained['history'];
  readonly shapes: Readonly<Record<string, readonly number[]>>;
}

const train = async (
  spec: GanSpec,
  shape: GanShape,
  x: Float32Array,
  condition: CategoryColumn | undefined,
  context: TrainingContext,
  rows: number,
): Promise<Weights> => {
  const network = ganNetwork(shape);
  const batchSize = Math.min(spec.batchSize, rows);
  const epochs = spec.epochs ?? Math.max(1, Math.round((STEPS * batchSize) / rows));
  const c =
    condition === undefined
      ? new Float32Array(rows).fill(1)
      : cut(x, encodedWidth(shape.columns), placeOf(shape, condition), condition.values.length);
  const none = { count: 0, columns: { x: new Float32Array(0), c: new Float32Array(0) } };
  const { members, history } = await trainNetwork(
    network,
    { training: { count: rows, columns: { x, c } }, validation: none },
    { ...PLAIN, learningRate: spec.learningRate, batchSize, epochs, clipNorm: 10 },
    context,
  );
  return { members, history, shapes: network.parameters };
};

const placeOf = ({ columns }: GanShape, column: GeneratedColumn): number =>
  encodedWidth(columns.slice(0, columns.indexOf(column)));

/** Columns [from, from + width) of a row-major table. */
const cut = (values: Float32Array, of: number, from: number, width: number): Float32Array => {
  const rows = values.length / of;
  const part = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++)
    part.set(values.subarray(row * of + from, row * of + from + width), row * width);
  return part;
};

const sharesOf = (x: Float32Array, shape: GanShape, condition: CategoryColumn, rows: number): number[] => {
  const count = condition.values.length;
  const hot = cut(x, encodedWidth(shape.columns), placeOf(shape, condition), count);
  return condition.values.map((_, value) => {
    let sum = 0;
    for (let row = 0; row < rows; row++) sum += hot[row * count + value];
    return sum / rows;
  });
};

/** [rows, 2 · width]: the generator's output, and the numbers that decide between categories. */
const madeOf = (
  shape: GanShape,
  { members, shapes }: Weights,
  typed: Readonly<Record<string, Value>>,
  condition: CategoryColumn | undefined,
  shares: readonly number[],
): Value => {
  const seed = typed[SEED_COLUMN.name];
  const [weights] = members;
  if (seed === undefined || weights === undefined) throw new Error('a generator needs a seed and weights');
  const width = encodedWidth(shape.columns);
  const uniform = uniformOf(seed, 2 * shape.latent + width + 1);
  const [noise, choices, drawn] = op.Split(uniform, [2 * shape.latent, width, 1], 1);
  if (noise === undefined || choices === undefined || drawn === undefined) throw new Error('three parts');
  const asked = condition === undefined ? undefined : typed[condition.spec.name];
  const hot =
    condition === undefined || asked === undefined
      ? op.Add(op.Mul(drawn, 0), 1)
      : op.OneHot(valueAsked(condition, asked, drawn, shares), shares.length);
  const raw = generated(shape, weightConstants(shapes, weights), normals(noise, shape.latent), hot);
  const place = condition === undefined ? 0 : placeOf(shape, condition);
  const kept = condition === undefined ? raw : withCondition(raw, hot, place, width);
  return op.Concat([kept, choices], 1);
};

/** The value asked for; drawn as often as the training rows have it where none is. */
const valueAsked = (
  { values }: CategoryColumn,
  asked: Value,
  drawn: Value,
  shares: readonly number[],
): Value => {
  let sum = 0;
  const upTo = vector(shares.slice(0, -1).map((share) => (sum += share)));
  const random = op.ReduceSum(op.Cast(op.Greater(drawn, upTo), 'int64'), { axes: [1] });
  const code = op.StringToInt(
    asked,
    [...values],
    values.map((_, at) => at),
    -1,
  );
  return op.Where(op.Less(code, constant(tensor('int64', [0], []))), random, code);
};

/** A row is what it was asked to be: its condition's logits are sure. */
const withCondition = (raw: Value, hot: Value, place: number, width: number): Value => {
  const count = Number(hot.shape[1]);
  const before = place > 0 ? [op.Slice(raw, [{ axis: 1, start: 0, end: place }])] : [];
  const after = place + count < width ? [op.Slice(raw, [{ axis: 1, start: place + count, end: width }])] : [];
  return op.Concat([...before, op.Mul(hot, 1e6), ...after], 1);
};
