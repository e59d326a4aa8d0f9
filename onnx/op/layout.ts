import { GraphError } from '../errors';
import {
  asValue,
  axisOf,
  broadcast,
  dimAt,
  knownDim,
  product,
  requireDtype,
  withDim,
  type Operand,
} from '../shape';
import { sameShape, showShape, type Dim, type Dtype, type Shape } from '../tensor';
import { int64s, node, node1, scalar, vector, type Attribute, type Value } from '../value';
import { Cast } from './elementwise';

/** Operators that move elements without calculating (ONNX opset 17). */

const axisAttribute = (axis: number): Record<string, Attribute> => ({ axis: { type: 'int', value: axis } });

/**
 * Gives the elements another shape. A named dimension of `shape` is copied where the input has the same name at the
 * same place; at most one other name may stand for «what is left».
 */
export const Reshape = (x: Value, shape: Shape): Value => {
  if (sameShape(x.shape, shape)) return x;
  if (x.origin.kind === 'node' && x.origin.node.op === 'Reshape') {
    const [source] = x.origin.node.inputs;
    if (source !== undefined && sameShape(source.shape, shape)) return source;
  }
  const copied = shape.map((dim, axis) => typeof dim === 'string' && dim === x.shape[axis]);
  const free = shape.filter((dim, axis) => typeof dim === 'string' && !copied[axis]);
  const size = (dims: Shape): number =>
    dims.reduce<number>((total, dim) => (typeof dim === 'number' ? total * dim : total), 1);
  const named = (dims: Shape, isCopied: readonly boolean[]) =>
    dims.filter((dim, axis) => typeof dim === 'string' && !isCopied[axis]);
  const inputCopied = x.shape.map((_, axis) => copied[axis] ?? false);
  const dynamic = named(x.shape, inputCopied).length > 0;
  if (free.length > 1 || (free.length === 0 && (dynamic || size(x.shape) !== size(shape))))
    throw new GraphError(`Reshape: shape ${showShape(x.shape)} cannot become ${showShape(shape)}`);
  const target = shape.map((dim, axis) => (typeof dim === 'number' ? dim : copied[axis] ? 0 : -1));
  return node1('Reshape', [x, int64s(target)], { dtype: x.dtype, shape });
};

/** Flattens all axes from `axis` on into one. */
export const Flatten = (x: Value, axis = 1): Value =>
  Reshape(x, [...x.shape.slice(0, axis), product(x.shape.slice(axis))]);

/** @param order axis of the input that becomes each axis of the output; reversed when left out */
export const Transpose = (
  x: Value,
  order: readonly number[] = x.shape.map((_, axis) => x.rank - 1 - axis),
): Value => {
  const axes = order.map((axis) => axisOf('Transpose', axis, x.shape));
  if (axes.length !== x.rank || new Set(axes).size !== x.rank)
    throw new GraphError(`Transpose: order [${order.join(', ')}] does not fit shape ${showShape(x.shape)}`);
  return node1(
    'Transpose',
    [x],
    { dtype: x.dtype, shape: axes.map((axis) => dimAt('Transpose', x.shape, axis)) },
    {
      perm: { type: 'ints', value: axes },
    },
  );
};

/** Inserts axes of length one; positions count in the result. */
export const Unsqueeze = (x: Value, axes: readonly number[]): Value => {
  const rank = x.rank + axes.length;
  const places = axes.map((axis) => (axis < 0 ? axis + rank : axis));
  if (new Set(places).size !== places.length || places.some((axis) => axis < 0 || axis >= rank))
    throw new GraphError(`Unsqueeze: axes [${axes.join(', ')}] do not fit shape ${showShape(x.shape)}`);
  const rest = [...x.shape];
  const shape = Array.from({ length: rank }, (_, axis): Dim =>
    places.includes(axis) ? 1 : (rest.shift() ?? 1),
  );
  return node1('Unsqueeze', [x, int64s(places)], { dtype: x.dtype, shape });
};

/** Removes axes of length one. */
export const Squeeze = (x: Value, axes: readonly number[]): Value => {
  const gone = axes.map((axis) => axisOf('Squeeze', axis, x.shape));
  for (const axis of gone)
    if (x.shape[axis] !== 1)
      throw new GraphError(`Squeeze: dimension ${axis} of shape ${showShape(x.shape)} is not 1`);
  return node1('Squeeze', [x, int64s(gone)], {
    dtype: x.dtype,
    shape: x.shape.filter((_, axis) => !gone.includes(axis)),
  });
};

/** Repeats axes of length one up to `shape`; named dimensions must be the input's own (see ExpandLike). */
export const Expand = (x: Value, shape: Shape): Value => {
  const result = broadcast('Expand', x.shape, shape);
  const target = shape.map((dim, axis) => {
    if (typeof dim === 'number') return dim;
    if (x.shape[axis - shape.length + x.rank] === dim) return 1;
    throw new GraphError(`Expand: the length of dimension "${dim}" is not known here; use ExpandLike`);
  });
  return sameShape(x.shape, result)
    ? x
    : node1('Expand', [x, int64s(target)], { dtype: x.dtype, shape: result });
};

/** Expands to the shape that another value has when the model runs. */
export const ExpandLike = (x: Value, like: Value): Value => {
  if (sameShape(x.shape, like.shape)) return x;
  if (like.shape.every((dim) => typeof dim === 'number')) return Expand(x, like.shape);
  const shape = broadcast('Expand', x.shape, like.shape);
  return node1('Expand', [x, ShapeOf(like)], { dtype: x.dtype, shape });
};

/** The dimensions of a value as an int64 vector (operator Shape). */
export const ShapeOf = (x: Value): Value => node1('Shape', [x], { dtype: 'int64', shape: [x.rank] });

export const Concat = (values: readonly Value[], axis: number): Value => {
  const [first] = values;
  if (first === undefined) throw new GraphError('Concat: needs at least one value');
  const at = axisOf('Concat', axis, first.shape);
  for (const value of values)
    if (value.dtype !== first.dtype || !sameShape(withDim(value.shape, at, 0), withDim(first.shape, at, 0)))
      throw new GraphError(
        `Concat on axis ${axis}: ${values.map((item) => `${item.dtype} ${showShape(item.shape)}`).join(', ')} do not fit`,
      );
  if (values.length === 1) return first;
  const lengths = values.map((value) => dimAt('Concat', value.shape, at));
  const total = lengths.every((length) => typeof length === 'number')
    ? lengths.reduce((sum, length) => sum + length, 0)
    : lengths.join('+');
  return node1(
    'Concat',
    values,
    { dtype: first.dtype, shape: withDim(first.shape, at, total) },
    axisAttribute(at),
  );
};

/** Cuts along an axis into parts of the given lengths. */
export const Split = (x: Value, lengths: readonly number[], axis: number): Value[] => {
  const at = axisOf('Split', axis, x.shape);
  const total = lengths.reduce((sum, length) => sum + length, 0);
  if (total !== knownDim('Split', x.shape, at))
    throw new GraphError(
      `Split: lengths ${lengths.join('+')} do not add up on axis ${axis} of ${showShape(x.shape)}`,
    );
  if (lengths.length === 1) return [x];
  const outputs = lengths.map((length) => ({ dtype: x.dtype, shape: withDim(x.shape, at, length) }));
  return node('Split', [x, int64s(lengths)], outputs, axisAttribute(at));
};

/** One axis of a slice: [start, end) with a step; negative positions count from the end. */
export interface Cut {
  readonly axis: number;
  readonly start: number;
  readonly end: number;
  readonly step?: number;
}

export const Slice = (x: Value, cuts: readonly Cut[]): Value => {
  let shape = x.shape;
  const axes = cuts.map(({ axis }) => axisOf('Slice', axis, x.shape));
  cuts.forEach(({ start, end, step = 1 }, index) => {
    const axis = axes[index] ?? 0;
    const length = knownDim('Slice', x.shape, axis);
    shape = withDim(shape, axis, sliceLength(start, end, step, length));
  });
  const parts = [
    cuts.map(({ start }) => start),
    cuts.map(({ end }) => end),
    axes,
    cuts.map(({ step = 1 }) => step),
  ];
  return node1('Slice', [x, ...parts.map(int64s)], { dtype: x.dtype, shape });
};

const sliceLength = (start: number, end: number, step: number, length: number): number => {
  if (step === 0) throw new GraphError('Slice: the step must not be 0');
  const place = (at: number): number => (at < 0 ? at + length : at);
  const [low, high] = step > 0 ? [0, length] : [-1, length - 1];
  const clamp = (at: number): number => Math.min(Math.max(at, low), high);
  // An end of -length-1 or less is «before the first», which is how a reversing slice reaches element 0.
  const [from, to] = [clamp(place(start)), clamp(end < -length ? -1 : place(end))];
  return Math.max(0, Math.ceil((to - from) / step));
};

/** Rows of `x` along an axis by index (int32 or int64, each below the length of the axis). */
export const Gather = (x: Value, indices: Value, axis = 0): Value => {
  requireDtype('Gather', 'indices', indices, ['int64', 'int32']);
  const at = axisOf('Gather', axis, x.shape);
  const shape = [...x.shape.slice(0, at), ...indices.shape, ...x.shape.slice(at + 1)];
  return node1('Gather', [x, indices], { dtype: x.dtype, shape }, axisAttribute(at));
};

/** out[i][j] = x[i][indices[i][j]] for axis 1: one pick per place of `indices`. */
export const GatherElements = (x: Value, indices: Value, axis: number): Value => {
  requireDtype('GatherElements', 'indices', indices, ['int64', 'int32']);
  if (indices.rank !== x.rank)
    throw new GraphError(
      `GatherElements: ranks of ${showShape(x.shape)} and ${showShape(indices.shape)} differ`,
    );
  const at = axisOf('GatherElements', axis, x.shape);
  return node1('GatherElements', [x, indices], { dtype: x.dtype, shape: indices.shape }, axisAttribute(at));
};

/** Writes `updates` into a copy of `x` at `indices` along an axis; with 'add', into what is there. */
export const ScatterElements = (
  x: Value,
  indices: Value,
  updates: Value,
  axis: number,
  reduction: 'none' | 'add' = 'none',
): Value => {
  requireDtype('ScatterElements', 'indices', indices, ['int64', 'int32']);
  if (!sameShape(indices.shape, updates.shape) || x.rank !== indices.rank || x.dtype !== updates.dtype)
    throw new GraphError(
      `ScatterElements: ${showShape(x.shape)}, ${showShape(indices.shape)}, ${showShape(updates.shape)} do not fit`,
    );
  const at = axisOf('ScatterElements', axis, x.shape);
  return node1(
    'ScatterElements',
    [x, indices, updates],
    { dtype: x.dtype, shape: x.shape },
    {
      ...axisAttribute(at),
      ...(reduction === 'add' && { reduction: { type: 'string', value: 'add' } }),
    },
  );
};

/** A new last axis of length `depth` that is 1 at the index and 0 elsewhere. */
export const OneHot = (indices: Value, depth: number, dtype: Dtype = 'float32'): Value => {
  requireDtype('OneHot', 'indices', indices, ['int64', 'int32']);
  // onnxruntime's cpu provider wants indices and depth of one type.
  const wide = Cast(indices, 'int64');
  return node1('OneHot', [wide, scalar(depth, 'int64'), vector([0, 1], dtype)], {
    dtype,
    shape: [...indices.shape, depth],
  });
};

/** A tensor of one repeated value with the shape that another value has when the model runs. */
export const FillLike = (like: Value, value: number, dtype: Dtype = like.dtype): Value =>
  ExpandLike(asValue(value, dtype), like);

/** Pads with a value; `before` and `after` count elements per axis. */
export const Pad = (
  x: Value,
  before: readonly number[],
  after: readonly number[],
  value: Operand = 0,
): Value => {
  if (before.length !== x.rank || after.length !== x.rank)
    throw new GraphError(`Pad: needs ${x.rank} counts on each side for shape ${showShape(x.shape)}`);
  const shape = x.shape.map((dim, axis) => {
    const more = (before[axis] ?? 0) + (after[axis] ?? 0);
    if (more === 0) return dim;
    return knownDim('Pad', x.shape, axis) + more;
  });
  return node1('Pad', [x, int64s([...before, ...after]), asValue(value, x.dtype)], { dtype: x.dtype, shape });
};
