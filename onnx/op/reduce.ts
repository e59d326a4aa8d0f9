import { axisOf, withDim } from '../shape';
import { int64s, node1, type Value } from '../value';
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

const numeric = (op: string, x: Value): void => {
  if (x.dtype === 'string' || x.dtype === 'bool')
    throw new GraphError(`${op}: cannot calculate with ${x.dtype}`);
};
