/** Pictures: normalised, augmented while training, then blocks of convolution, batch normalisation, ReLU and halving. */
import { heNormal, layer, op, vector } from '../../../onnx';
import type { Parameters, Value } from '../../../onnx';
import type { Convolutions } from '../../../contracts';
import type { ImageColumn } from '../../data/table';
import { picked } from '../../prepare/matrix';
import { inLayer, named } from '../network/network';
import { augmented } from './augment';
import type { Branch } from './branch';

/** No side becomes shorter by halving. */
const SMALLEST_SIDE = 3;

/** `rows`: those whose pixels say what is a normal brightness (the training rows). */
export const imageBranch = (column: ImageColumn, rows: Int32Array, spec: Convolutions): Branch => {
  const { height, width, channels } = column.size;
  const each = height * width * channels;
  const name = column.spec.name;
  const { mean, deviation } = brightness(column, rows);
  const blocks = blocksOf(spec, column.size);
  const parameters: Record<string, readonly number[]> = {};
  const buffers: Record<string, readonly number[]> = {};
  for (const { name: block, from, to } of blocks) {
    parameters[`${name}/${block}/kernel`] = [to, from, spec.kernel, spec.kernel];
    const norm = layer.batchNormalizationWeights(`${name}/${block}`, to);
    Object.assign(parameters, norm.parameters);
    Object.assign(buffers, norm.buffers);
  }
  const kernels = Object.keys(parameters).filter((key) => key.endsWith('/kernel'));
  return {
    name,
    reads: [{ spec: column.spec, known: null }],
    parameters,
    buffers,
    decayed: kernels,
    initial: (seed) => initial({ ...parameters, ...buffers }, seed),
    inputs: { [name]: { dtype: 'uint8', dims: [height, width, channels] } },
    work: blocks.reduce((sum, { from, to, area }) => sum + area * from * to * spec.kernel ** 2, 0),
    width: pooledWidth(blocks.at(-1)),
    forward: ({ weights, batch, training }) => {
      const pixels = op.Transpose(op.Cast(named(batch, name), 'float32'), [0, 3, 1, 2]);
      const scaled = evened(op.Div(op.Sub(pixels, perChannel(mean)), perChannel(deviation)));
      let values = training === undefined ? scaled : augmented(scaled, spec.augmentation, training.uniform);
      blocks.forEach(({ name: block, halve }, at) => {
        values = inLayer(`${name}/${block}`, ['filters', at], () => {
          const convolved = op.Conv(values, named(weights, `${name}/${block}/kernel`), undefined, {
            pads: 'same',
          });
          const carry = training === undefined ? {} : { carry: training.carry, momentum: MOMENTUM };
          const active = op.Relu(layer.batchNormalization(convolved, weights, `${name}/${block}`, carry));
          return halve ? op.MaxPool(active, [2, 2]) : active;
        });
      });
      return pooled(values);
    },
    data: (some) => Promise.resolve({ [name]: picked(column.pixels, each, some) }),
    served: (columns) => ({ [name]: named(columns, name) }),
  };
};

/** Each picture about its own mean and with its own contrast: light that falls differently is no difference. */
const evened = (x: Value): Value => {
  const axes = [1, 2, 3];
  const centered = op.Sub(x, op.ReduceMean(x, { axes, keepDims: true }));
  const variance = op.ReduceMean(op.Mul(centered, centered), { axes, keepDims: true });
  return op.Div(centered, op.Sqrt(op.Add(variance, 1e-3)));
};

/** Trainings of some hundred steps: running statistics must not lag behind them. */
const MOMENTUM = 0.9;

interface Block {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly halve: boolean;
  /** Positions that its filters visit, and that are left after it. */
  readonly area: number;
  readonly left: number;
}

/** Maps this small keep their places; larger ones would make the next layer most of the network. */
const MOST_FLAT = 1024;

/** What the last maps tell: every cell, or of each map its mean and its strongest cell. */
const pooled = (maps: Value): Value => {
  const [, filters = 0, height = 0, width = 0] = maps.shape.map(Number);
  if (filters * height * width <= MOST_FLAT) return op.Flatten(maps);
  const axes = [2, 3];
  return op.Concat([op.ReduceMean(maps, { axes }), op.ReduceMax(maps, { axes })], 1);
};

const pooledWidth = (last: Block | undefined): number => {
  const { to = 0, left = 0 } = last ?? {};
  return to * left <= MOST_FLAT ? to * left : 2 * to;
};

/** One block for each halving that a picture takes, at most six. */
const filtersFor = (side: number): number[] =>
  Array.from(
    { length: Math.min(6, Math.max(2, Math.floor(Math.log2(side / SMALLEST_SIDE)))) },
    (_, at) => [16, 32][at] ?? 64,
  );

const blocksOf = (
  spec: Pick<Convolutions, 'filters'>,
  { height, width, channels }: ImageColumn['size'],
): Block[] => {
  const filters = spec.filters ?? filtersFor(Math.min(height, width));
  let [rows, columns] = [height, width];
  return filters.map((to, at) => {
    const area = rows * columns;
    const halve = Math.min(rows, columns) >= 2 * SMALLEST_SIDE;
    if (halve) [rows, columns] = [Math.floor(rows / 2), Math.floor(columns / 2)];
    return { name: `conv${at}`, from: filters[at - 1] ?? channels, to, halve, area, left: rows * columns };
  });
};

const brightness = (
  { size: { channels, height, width }, pixels }: ImageColumn,
  rows: Int32Array,
): { mean: number[]; deviation: number[] } => {
  const sums = new Float64Array(channels);
  const squares = new Float64Array(channels);
  const each = height * width * channels;
  for (const row of rows)
    for (let at = 0; at < each; at++) {
      const value = pixels[row * each + at];
      const channel = at % channels;
      sums[channel] += value;
      squares[channel] += value * value;
    }
  const count = Math.max(1, rows.length * height * width);
  const mean = [...sums].map((sum) => sum / count);
  return {
    mean,
    // A channel that is the same everywhere says nothing and must not become infinite.
    deviation: [...squares].map((sum, c) => Math.sqrt(Math.max(1, sum / count - mean[c] ** 2))),
  };
};

const perChannel = (values: readonly number[]): Value => op.Reshape(vector(values), [values.length, 1, 1]);

const initial = (shapes: Parameters, seed: number): Record<string, Float32Array> =>
  Object.fromEntries(
    Object.entries(shapes).map(([key, dims], stream) => {
      if (key.endsWith('/kernel')) return [key, heNormal(dims, seed, stream)];
      const ones = key.endsWith('/scale') || key.endsWith('/variance');
      return [key, new Float32Array(dims[0]).fill(ones ? 1 : 0)];
    }),
  );
