import { GraphError } from '../errors';
import * as op from '../op';
import { axisOf, knownDim, knownShape, product } from '../shape';
import { scalar, type Value } from '../value';
import {
  constantInts,
  expandIndices,
  fullSize,
  int64Grid,
  intsOf,
  numberAttribute,
  reshapeLike,
  sumTo,
  zerosLike,
} from './algebra';
import { nothing, type Rule } from './rule';

/** Below this many elements a one-hot product is faster than scattering row by row (measured on two cores). */
const ONE_HOT_ELEMENTS = 1 << 16;

const reshaped: Rule = (use) => [use.g.rank === 0 ? use.g : reshapeLike(fullSize(use.g, use.y), use.in(0))];

const concat: Rule = (use) => {
  const axis = numberAttribute(use.node, 'axis', 0);
  const g = fullSize(use.g, use.y);
  return op.Split(
    g,
    use.node.inputs.map((_, index) => knownDim('Concat', use.in(index).shape, axis)),
    axis,
  );
};

const split: Rule = (use) => [
  op.Concat(
    use.node.outputs.map((output, index) => {
      const g = use.gradients[index];
      return g === undefined ? zerosLike(output) : fullSize(g, output);
    }),
    numberAttribute(use.node, 'axis', 0),
  ),
];

const slice: Rule = (use) => {
  const x = use.in(0);
  const [starts, , axes, steps] = [1, 2, 3, 4].map((index) => constantInts(use.node, index));
  const g = fullSize(use.g, use.y);
  if (starts === undefined || axes === undefined || steps === undefined) return [];
  if (steps.every((step) => step === 1)) {
    const before = x.shape.map(() => 0);
    const after = x.shape.map(() => 0);
    axes.forEach((axis, index) => {
      const length = knownDim('Slice', x.shape, axis);
      before[axis] = positionIn(starts[index] ?? 0, length);
      after[axis] = length - (before[axis] ?? 0) - knownDim('Slice', use.y.shape, axis);
    });
    return [op.Pad(g, before, after)];
  }
  // Axis by axis, last to first: each step writes the picked positions into zeros of the longer axis.
  let spread = g;
  for (const [index, axis] of [...axes.entries()].reverse()) {
    const length = knownDim('Slice', x.shape, axis);
    const start = positionIn(starts[index] ?? 0, length);
    const picked = Array.from(
      { length: knownDim('Slice', spread.shape, axis) },
      (_, k) => start + k * (steps[index] ?? 1),
    );
    spread = scatterRows(spread, int64Grid(picked, [picked.length]), axis, length);
  }
  return [spread];
};

const positionIn = (start: number, length: number): number =>
  Math.min(Math.max(start < 0 ? start + length : start, 0), length);

/** Adds rows along an axis into zeros whose axis has another length. */
const scatterRows = (rows: Value, indices: Value, axis: number, length: number): Value => {
  const shape = rows.shape.map((dim, index) => (index === axis ? length : dim));
  const column = op.Reshape(
    indices,
    rows.shape.map((dim, index) => (index === axis ? dim : 1)),
  );
  const zeros = op.Expand(scalar(0, rows.dtype), knownShape('Gather', shape));
  return op.ScatterElements(zeros, expandIndices(column, rows.shape), rows, axis, 'add');
};

const gather: Rule = (use) => {
  const [x, indices] = [use.in(0), use.in(1)];
  const axis = axisOf('Gather', numberAttribute(use.node, 'axis', 0), x.shape);
  const length = knownDim('Gather', x.shape, axis);
  const picks = product(indices.shape);
  if (typeof picks !== 'number') throw new GraphError('Gather: its gradient needs a known number of indices');
  const g = op.Reshape(fullSize(use.g, use.y), [
    ...x.shape.slice(0, axis),
    picks,
    ...x.shape.slice(axis + 1),
  ]);
  const list = op.Reshape(indices, [picks]);
  if (axis === 0 && picks * length <= ONE_HOT_ELEMENTS) {
    const table = op.Reshape(g, [picks, product(x.shape.slice(1))]);
    const hot = op.OneHot(list, length, x.dtype);
    return [reshapeLike(op.Gemm(hot, table, undefined, { transA: true }), x)];
  }
  return [scatterRows(g, list, axis, length)];
};

export const layoutRules: Record<string, Rule> = {
  Reshape: reshaped,
  Unsqueeze: reshaped,
  Squeeze: reshaped,
  Transpose: (use) => {
    const order = intsOf(use.node, 'perm');
    return [
      op.Transpose(
        fullSize(use.g, use.y),
        order.map((_, axis) => order.indexOf(axis)),
      ),
    ];
  },
  Expand: (use) => [sumTo(use.g, use.y, use.in(0))],
  Concat: concat,
  Split: split,
  Slice: slice,
  Pad: (use) => {
    const x = use.in(0);
    const before = constantInts(use.node, 1).slice(0, x.rank);
    const cuts = before.map((start, axis) => ({ axis, start, end: start + knownDim('Pad', x.shape, axis) }));
    return [op.Slice(fullSize(use.g, use.y), cuts)];
  },
  Gather: gather,
  GatherElements: (use) => {
    const axis = numberAttribute(use.node, 'axis', 0);
    return [op.ScatterElements(zerosLike(use.in(0)), use.in(1), fullSize(use.g, use.y), axis, 'add')];
  },
  ScatterElements: (use) => {
    const axis = numberAttribute(use.node, 'axis', 0);
    const g = fullSize(use.g, use.y);
    const adds = use.node.attributes.reduction !== undefined;
    return [
      adds ? g : op.ScatterElements(g, use.in(1), zerosLike(use.in(2)), axis),
      undefined,
      op.GatherElements(g, use.in(1), axis),
    ];
  },
  Shape: nothing,
  Size: nothing,
  OneHot: nothing,
};
