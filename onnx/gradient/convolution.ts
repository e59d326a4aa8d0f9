import { GraphError } from '../errors';
import * as op from '../op';
import { dimAt, knownDim, knownShape, product } from '../shape';
import { tensor } from '../tensor';
import { constant, node1, vector, type Node, type Value } from '../value';
import { fullSize, intsOf, over, reshapeLike } from './algebra';
import type { Rule, Use } from './rule';

const ints = (value: readonly number[]) => ({ type: 'ints', value }) as const;

const windowOf = (node: Node) => ({
  kernel: intsOf(node, 'kernel_shape'),
  strides: intsOf(node, 'strides'),
  dilations:
    node.attributes.dilations === undefined
      ? intsOf(node, 'strides').map(() => 1)
      : intsOf(node, 'dilations'),
  pads: intsOf(node, 'pads'),
});
type Spread = ReturnType<typeof windowOf>;

const at = (list: readonly number[], index: number): number => list[index] ?? 0;

/**
 * Spreads gradients of windows back over the input: the transpose of a convolution.
 * @param weights [filters, channels / groups, ...kernel]
 */
const transposed = (g: Value, weights: Value, like: Value, window: Spread, groups = 1): Value => {
  const { kernel, strides, dilations, pads } = window;
  const axes = kernel.length;
  const missing = kernel.map((size, axis) => {
    const reach =
      (knownDim('Conv', g.shape, axis + 2) - 1) * at(strides, axis) +
      (size - 1) * at(dilations, axis) +
      1 -
      at(pads, axis) -
      at(pads, axis + axes);
    return knownDim('Conv', like.shape, axis + 2) - reach;
  });
  return node1(
    'ConvTranspose',
    [g, weights],
    { dtype: like.dtype, shape: like.shape },
    {
      kernel_shape: ints(kernel),
      strides: ints(strides),
      dilations: ints(dilations),
      pads: ints(pads),
      output_padding: ints(missing),
      group: { type: 'int', value: groups },
    },
  );
};

/** Channels first, all places of all samples behind: [channels, samples · places]. */
const byChannel = (x: Value): Value =>
  op.Transpose(x, [1, 0, ...x.shape.slice(2).map((_, axis) => axis + 2)]);
const channelRows = (x: Value): Value =>
  op.Reshape(byChannel(x), [
    dimAt('Conv', x.shape, 1),
    product([...x.shape.slice(0, 1), ...x.shape.slice(2)]),
  ]);

/**
 * Gradient of a convolution's weights: the windows of the input laid side by side («im2col»: one slice per kernel
 * element) in one product with the result's gradient. Three times as fast as the convolution that expresses the same,
 * which has a kernel of the size of an image.
 * @param rows the result's gradient as `channelRows`
 */
const weightGradient = (g: Value, rows: Value, weights: Value, x: Value, window: Spread): Value => {
  const { kernel, strides, dilations, pads } = window;
  const axes = kernel.map((_, axis) => axis);
  const turned = byChannel(x);
  const padded = pads.every((pad) => pad === 0)
    ? turned
    : op.Pad(turned, [0, 0, ...pads.slice(0, axes.length)], [0, 0, ...pads.slice(axes.length)]);
  const lengths = axes.map((axis) => knownDim('Conv', g.shape, axis + 2));
  const channels = knownDim('Conv', x.shape, 1);
  const places = product([dimAt('Conv', x.shape, 0), ...lengths]);
  const shifted = offsets(kernel).map((offset) => {
    const cuts = axes.map((axis) => {
      const start = at(offset, axis) * at(dilations, axis);
      const step = at(strides, axis);
      return { axis: axis + 2, start, end: start + (at(lengths, axis) - 1) * step + 1, step };
    });
    return op.Reshape(op.Slice(padded, cuts), [channels, 1, places]);
  });
  const columns = op.Reshape(op.Concat(shifted, 1), [channels * shifted.length, places]);
  return reshapeLike(op.Gemm(rows, columns, undefined, { transB: true }), weights);
};

/** Every position in a kernel, in the order of its elements. */
const offsets = (kernel: readonly number[]): number[][] =>
  kernel.reduce<number[][]>(
    (outer, size) =>
      outer.flatMap((before) => Array.from({ length: size }, (_, place) => [...before, place])),
    [[]],
  );

const conv: Rule = (use) => {
  const [x, weights, g] = [use.in(0), use.in(1), fullSize(use.g, use.y)];
  const window = windowOf(use.node);
  const rows = channelRows(g);
  return [
    use.wants(0) ? transposed(g, weights, x, window) : undefined,
    use.wants(1) ? weightGradient(g, rows, weights, x, window) : undefined,
    use.wants(2) ? op.ReduceSum(rows, { axes: [1] }) : undefined,
  ];
};

/** Repeats every place `scale` times along its spatial axis. */
const enlarged = (x: Value, like: Value, scale: readonly number[]): Value =>
  node1(
    'Resize',
    [x, undefined, vector([1, 1, ...scale])],
    { dtype: x.dtype, shape: like.shape },
    {
      mode: { type: 'string', value: 'nearest' },
      coordinate_transformation_mode: { type: 'string', value: 'asymmetric' },
      nearest_mode: { type: 'string', value: 'floor' },
    },
  );

/**
 * Windows that tile the input: its elements are compared with their window's largest one, and equal largest ones share
 * the gradient. Vectorised passes only: the indices of the general form would make the forward pass a scalar loop in
 * onnxruntime.
 */
const tiledMaxPool = (use: Use, g: Value, kernel: readonly number[]): Value => {
  const [x, y] = [use.in(0), use.y];
  // 1 where the difference is zero, 0 where it is below.
  const largest = op.HardSigmoid(op.Sub(x, enlarged(y, x, kernel)), 1e37, 1);
  const area = kernel.reduce((all, size) => all * size, 1);
  const share = op.Div(op.Mul(g, 1 / area), op.AveragePool(largest, kernel));
  return op.Mul(largest, enlarged(share, x, kernel));
};

/** Each window's gradient goes to its largest element: exact, also where windows overlap. */
const maxPool: Rule = (use) => {
  const x = use.in(0);
  const g = fullSize(use.g, use.y);
  const { kernel, strides, pads, dilations } = windowOf(use.node);
  const tiled = kernel.every(
    (size, axis) => at(strides, axis) === size && knownDim('MaxPool', x.shape, axis + 2) % size === 0,
  );
  const padded = pads.some((pad) => pad > 0) || dilations.some((step) => step > 1);
  if (tiled && !padded && x.dtype === 'float32') return [tiledMaxPool(use, g, kernel)];
  const [, indices] = use.node.outputs;
  if (indices === undefined) throw new GraphError('MaxPool: no indices');
  const apart =
    kernel.every((size, axis) => (size - 1) * at(dilations, axis) < at(strides, axis)) &&
    pads.every((pad) => pad === 0);
  if (apart)
    return [
      node1(
        'MaxUnpool',
        [g, indices, op.ShapeOf(x)],
        { dtype: x.dtype, shape: x.shape },
        {
          kernel_shape: ints(kernel),
          strides: ints(strides),
        },
      ),
    ];
  const size = knownShape('MaxPool', x.shape).reduce((all, dim) => all * dim, 1);
  const picks = knownShape('MaxPool', g.shape).reduce((all, dim) => all * dim, 1);
  const zeros = op.Expand(constant(tensor(x.dtype, [0], [1])), [size]);
  const spread = op.ScatterElements(zeros, op.Reshape(indices, [picks]), op.Reshape(g, [picks]), 0, 'add');
  return [reshapeLike(spread, x)];
};

/** Spreads each mean's gradient evenly over the window's elements that are not padding. */
const averagePool: Rule = (use) => {
  const x = use.in(0);
  const window = windowOf(use.node);
  const channels = knownDim('AveragePool', x.shape, 1);
  const { kernel, strides, pads } = window;
  const spatial = kernel.map((_, axis) => knownDim('AveragePool', use.y.shape, axis + 2));
  const counts = kernel.map((size, axis) =>
    Array.from({ length: at(spatial, axis) }, (_, place) => {
      const from = place * at(strides, axis) - at(pads, axis);
      return Math.min(from + size, knownDim('AveragePool', x.shape, axis + 2)) - Math.max(from, 0);
    }),
  );
  const grid = counts.reduce<number[]>((outer, inner) => outer.flatMap((a) => inner.map((b) => a * b)), [1]);
  const shares = over(fullSize(use.g, use.y), constant(tensor(x.dtype, grid, spatial)));
  const area = kernel.reduce((all, size) => all * size, 1);
  const ones = constant(
    tensor(x.dtype, new Array<number>(channels * area).fill(1), [channels, 1, ...kernel]),
  );
  return [transposed(shares, ones, x, window, channels)];
};

export const convolutionRules: Record<string, Rule> = {
  Conv: conv,
  MaxPool: maxPool,
  AveragePool: averagePool,
  GlobalAveragePool: (use) => {
    const area = product(use.in(0).shape.slice(2));
    if (typeof area !== 'number') throw new GraphError('GlobalAveragePool: its gradient needs a known area');
    return [over(use.g, area)];
  },
};
