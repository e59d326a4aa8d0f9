import { GraphError } from '../errors';
import * as op from '../op';
import { sameShape, showShape, type Shape } from '../tensor';
import { constant, int64s, node1, scalar, type Node, type Value } from '../value';
import { tensor } from '../tensor';

/**
 * What gradient rules are written in. A gradient may stay smaller than its value as long as it broadcasts to it
 * (the gradient of a mean is one number): `fullSize` expands it where an operator needs all elements.
 */

/** The number behind a constant without dimensions. */
export const numberOf = (value: Value): number | undefined => {
  if (value.origin.kind !== 'constant' || value.rank !== 0) return undefined;
  const element = value.origin.tensor.data[0];
  return typeof element === 'number' ? element : undefined;
};

const folded = (a: Value, b: Value, calculate: (a: number, b: number) => number): Value | undefined => {
  const [left, right] = [numberOf(a), numberOf(b)];
  return left === undefined || right === undefined ? undefined : scalar(calculate(left, right), a.dtype);
};

export const times = (a: Value, b: Value | number): Value => {
  const right = typeof b === 'number' ? scalar(b, a.dtype) : b;
  if (numberOf(right) === 1) return a;
  if (numberOf(a) === 1) return right;
  return folded(a, right, (x, y) => x * y) ?? op.Mul(a, right);
};

export const over = (a: Value, b: Value | number): Value => {
  const right = typeof b === 'number' ? scalar(b, a.dtype) : b;
  if (numberOf(right) === 1) return a;
  return folded(a, right, (x, y) => x / y) ?? op.Div(a, right);
};

export const plus = (a: Value, b: Value): Value => folded(a, b, (x, y) => x + y) ?? op.Add(a, b);

export const negative = (a: Value): Value => times(a, -1);

export const fullSize = (gradient: Value, like: Value): Value =>
  sameShape(gradient.shape, like.shape) ? gradient : op.ExpandLike(gradient, like);

/** Sums a gradient of `result` over the axes along which `operand` was broadcast. */
export const sumTo = (gradient: Value, result: Value, operand: Value): Value => {
  if (sameShape(result.shape, operand.shape)) return gradient;
  const full = fullSize(gradient, result);
  const lead = result.rank - operand.rank;
  const axes = result.shape.flatMap((dim, axis) =>
    axis < lead || (operand.shape[axis - lead] === 1 && dim !== 1) ? [axis] : [],
  );
  const summed = axes.length === 0 ? full : axisSums(full, axes);
  return reshapeLike(summed, operand);
};

/** Column sums of a matrix are a product with a row of ones, which runs faster than a reduction. */
const axisSums = (x: Value, axes: readonly number[]): Value => {
  const [rows, columns] = x.shape;
  if (x.rank !== 2 || axes.length !== 1 || axes[0] !== 0 || typeof rows !== 'number' || columns === undefined)
    return op.ReduceSum(x, { axes });
  const ones = constant(tensor(x.dtype, new Array<number>(rows).fill(1), [1, rows]));
  return op.Reshape(op.MatMul(ones, x), [columns]);
};

/** Reshape to the shape of another value, also where several of its dimensions are known only at run time. */
export const reshapeLike = (x: Value, like: Value): Value => {
  if (sameShape(x.shape, like.shape)) return x;
  const names = like.shape.filter((dim) => typeof dim === 'string');
  if (names.length < 2) return op.Reshape(x, like.shape);
  return node1('Reshape', [x, op.ShapeOf(like)], { dtype: x.dtype, shape: like.shape });
};

/** Zeros; a constant the size of one number, expanded where it is needed. */
export const zerosLike = (value: Value): Value => op.FillLike(value, 0);

export const intsOf = (node: Node, name: string): readonly number[] => {
  const attribute = node.attributes[name];
  if (attribute?.type !== 'ints') throw new GraphError(`${node.op}: no attribute ${name}`);
  return attribute.value;
};

export const numberAttribute = (node: Node, name: string, otherwise: number): number => {
  const attribute = node.attributes[name];
  return attribute?.type === 'int' || attribute?.type === 'float' ? attribute.value : otherwise;
};

/** A constant int64 input (axes, sizes) as numbers. */
export const constantInts = (node: Node, index: number): number[] => {
  const origin = node.inputs[index]?.origin;
  if (origin?.kind !== 'constant')
    throw new GraphError(`${node.op}: input ${index} must be constant to be differentiated`);
  return Array.from(origin.tensor.data as Iterable<number | bigint>, Number);
};

export const int64Grid = (values: readonly number[], dims: readonly number[]): Value =>
  constant(tensor('int64', values, dims));

export const expandIndices = (indices: Value, shape: Shape): Value => {
  if (sameShape(indices.shape, shape)) return indices;
  if (!shape.every((dim) => typeof dim === 'number'))
    throw new GraphError(`the gradient of a gather needs known dimensions, got ${showShape(shape)}`);
  return node1('Expand', [indices, int64s(shape)], { dtype: indices.dtype, shape });
};
