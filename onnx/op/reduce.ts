import { axisOf, withDim } from '../shape';
import { int64s, node, node1, type Value } from '../value';
import { GraphError } from '../errors';
import { reducedShape, type ReduceOptions } from './linear';

/** Reductions of ONNX opset 17. */

/** Sum over axes (all by default). */
export const ReduceSum = (x: Value, options: ReduceOptions = {}): Value => {
  numeric('ReduceSum', x);
  const { axes, keepDims, shape } = reducedShape('ReduceSum', x, options);
  return node1(
    'ReduceSum',
    [x, int64s(axes)],
    { dtype: x.dtype, shape },
    {
      keepdims: { type: 'int', value: keepDims ? 1 : 0 },
    },
  );
};

const reduce =
  (op: 'ReduceMean' | 'ReduceMax' | 'ReduceMin') =>
  (x: Value, options: ReduceOptions = {}): Value => {
    numeric(op, x);
    const { axes, keepDims, shape } = reducedShape(op, x, options);
    return node1(
      op,
      [x],
      { dtype: x.dtype, shape },
      {
        axes: { type: 'ints', value: axes },
        keepdims: { type: 'int', value: keepDims ? 1 : 0 },
      },
    );
  };

export const ReduceMean = reduce('ReduceMean');
export const ReduceMax = reduce('ReduceMax');
export const ReduceMin = reduce('ReduceMin');

/** Index (int64) of the largest element along an axis; the first of equals. */
export const ArgMax = (x: Value, axis = -1, keepDims = false): Value => {
  numeric('ArgMax', x);
  const at = axisOf('ArgMax', axis, x.shape);
  const shape = keepDims ? withDim(x.shape, at, 1) : x.shape.filter((_, index) => index !== at);
  return node1(
    'ArgMax',
    [x],
    { dtype: 'int64', shape },
    {
      axis: { type: 'int', value: at },
      keepdims: { type: 'int', value: keepDims ? 1 : 0 },
    },
  );
};

/** The `count` largest elements along an axis, largest first, and their indices (int64); equal ones by index. */
export const TopK = (
  x: Value,
  count: number,
  axis = -1,
): { readonly values: Value; readonly indices: Value } => {
  numeric('TopK', x);
  const at = axisOf('TopK', axis, x.shape);
  const length = x.shape[at];
  if (!Number.isInteger(count) || count < 1 || (typeof length === 'number' && count > length))
    throw new GraphError(`TopK: ${count} of ${length} elements cannot be picked`);
  const shape = withDim(x.shape, at, count);
  const [values, indices] = node(
    'TopK',
    [x, int64s([count])],
    [
      { dtype: x.dtype, shape },
      { dtype: 'int64', shape },
    ],
    { axis: { type: 'int', value: at } },
  );
  if (values === undefined || indices === undefined) throw new GraphError('TopK has two outputs');
  return { values, indices };
};

const numeric = (op: string, x: Value): void => {
  if (x.dtype === 'string' || x.dtype === 'bool')
    throw new GraphError(`${op}: cannot calculate with ${x.dtype}`);
};
