import { GraphError } from './errors';
import { isFloat, showShape, type Dim, type Dtype, type Shape } from './tensor';
import { scalar, Value } from './value';

/** An operand may be a plain number: it becomes a scalar of the other operand's type. */
export type Operand = Value | number;

export const asValue = (operand: Operand, dtype: Dtype): Value =>
  operand instanceof Value ? operand : scalar(operand, dtype);

/** Lifts two operands to values of one type. */
export const pair = (op: string, a: Operand, b: Operand): [Value, Value] => {
  const dtype = a instanceof Value ? a.dtype : b instanceof Value ? b.dtype : 'float32';
  const [left, right] = [asValue(a, dtype), asValue(b, dtype)];
  if (left.dtype !== right.dtype)
    throw new GraphError(`${op}: types ${left.dtype} and ${right.dtype} differ; Cast one of them`);
  return [left, right];
};

/** Shape of an element-wise operator (numpy's rule). A named dimension only meets itself or 1. */
export const broadcast = (op: string, ...shapes: readonly Shape[]): Shape => {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  const result: Dim[] = [];
  for (let axis = 0; axis < rank; axis++) {
    let dim: Dim = 1;
    for (const shape of shapes) {
      const here = shape[axis - rank + shape.length] ?? 1;
      if (here === 1 || here === dim) continue;
      if (dim !== 1)
        throw new GraphError(`${op}: shapes ${shapes.map(showShape).join(' and ')} do not broadcast`);
      dim = here;
    }
    result.push(dim);
  }
  return result;
};

/** Turns a possibly negative axis into 0..rank-1. */
export const axisOf = (op: string, axis: number, shape: Shape): number => {
  const found = axis < 0 ? axis + shape.length : axis;
  if (!Number.isInteger(found) || found < 0 || found >= shape.length)
    throw new GraphError(`${op}: axis ${axis} does not exist in shape ${showShape(shape)}`);
  return found;
};

export const dimAt = (op: string, shape: Shape, axis: number): Dim => {
  const dim = shape[axisOf(op, axis, shape)];
  if (dim === undefined)
    throw new GraphError(`${op}: axis ${axis} does not exist in shape ${showShape(shape)}`);
  return dim;
};

/** A dimension that must be known when the graph is built. */
export const knownDim = (op: string, shape: Shape, axis: number): number => {
  const dim = dimAt(op, shape, axis);
  if (typeof dim !== 'number')
    throw new GraphError(`${op}: dimension ${axis} of shape ${showShape(shape)} must be a number`);
  return dim;
};

export const knownShape = (op: string, shape: Shape): number[] =>
  shape.map((_, axis) => knownDim(op, shape, axis));

export const requireFloat = (op: string, value: Value): void => {
  if (!isFloat(value.dtype)) throw new GraphError(`${op}: needs a floating-point type, got ${value.dtype}`);
};

export const requireDtype = (op: string, what: string, value: Value, dtypes: readonly Dtype[]): void => {
  if (!dtypes.includes(value.dtype))
    throw new GraphError(`${op}: ${what} must be of type ${dtypes.join(' or ')}, got ${value.dtype}`);
};

export const requireRank = (op: string, what: string, value: Value, rank: number): void => {
  if (value.rank !== rank)
    throw new GraphError(`${op}: ${what} must have ${rank} dimensions, got shape ${showShape(value.shape)}`);
};

/** Replaces the dimension at an axis. */
export const withDim = (shape: Shape, axis: number, dim: Dim): Shape =>
  shape.map((old, index) => (index === axis ? dim : old));

/** Product of dimensions; a single named factor is kept as a name. */
export const product = (dims: Shape): Dim => {
  const names = dims.filter((dim) => typeof dim === 'string');
  const count = dims.reduce<number>((total, dim) => (typeof dim === 'number' ? total * dim : total), 1);
  if (names.length === 0) return count;
  return [...names, ...(count === 1 ? [] : [String(count)])].join('*');
};
