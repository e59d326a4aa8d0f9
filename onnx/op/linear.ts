import { GraphError } from '../errors';
import { broadcast, dimAt, requireFloat, requireRank, withDim, axisOf } from '../shape';
import { showShape, type Dim } from '../tensor';
import { node, node1, type Attribute, type Value } from '../value';

/** Products, normalisations and soft maxima of ONNX opset 17. */

const mismatch = (op: string, a: Value, b: Value, why: string): GraphError =>
  new GraphError(`${op}: shapes ${showShape(a.shape)} and ${showShape(b.shape)} do not fit: ${why}`);

const sameFloat = (op: string, ...values: Value[]): void => {
  for (const value of values) {
    requireFloat(op, value);
    if (value.dtype !== values[0]?.dtype)
      throw new GraphError(`${op}: types ${values.map(({ dtype }) => dtype).join(' and ')} differ`);
  }
};

/** Batched matrix product, numpy's matmul for operands of at least two dimensions: [..., m, k] x [..., k, n]. */
export const MatMul = (a: Value, b: Value): Value => {
  sameFloat('MatMul', a, b);
  if (a.rank < 2 || b.rank < 2) throw mismatch('MatMul', a, b, 'both need two dimensions or more');
  const [inner, other] = [dimAt('MatMul', a.shape, -1), dimAt('MatMul', b.shape, -2)];
  if (inner !== other) throw mismatch('MatMul', a, b, `inner dimensions ${inner} and ${other} differ`);
  const shape = [
    ...broadcast('MatMul', a.shape.slice(0, -2), b.shape.slice(0, -2)),
    dimAt('MatMul', a.shape, -2),
    dimAt('MatMul', b.shape, -1),
  ];
  return node1('MatMul', [a, b], { dtype: a.dtype, shape });
};

export interface GemmOptions {
  readonly transA?: boolean;
  readonly transB?: boolean;
  readonly alpha?: number;
  readonly beta?: number;
}

/** alpha · A' · B' + beta · C with A' [m, k], B' [k, n] and C broadcast to [m, n]: a dense layer in one node. */
export const Gemm = (a: Value, b: Value, c?: Value, options: GemmOptions = {}): Value => {
  sameFloat('Gemm', a, b, ...(c === undefined ? [] : [c]));
  requireRank('Gemm', 'A', a, 2);
  requireRank('Gemm', 'B', b, 2);
  const { transA = false, transB = false, alpha = 1, beta = 1 } = options;
  const [m, k] = turned(a, transA);
  const [k2, n] = turned(b, transB);
  if (k !== k2) throw mismatch('Gemm', a, b, `inner dimensions ${k} and ${k2} differ`);
  const shape = [m, n];
  if (c !== undefined && showShape(broadcast('Gemm', c.shape, shape)) !== showShape(shape))
    throw new GraphError(`Gemm: C of shape ${showShape(c.shape)} does not broadcast to ${showShape(shape)}`);
  const attributes: Record<string, Attribute> = {};
  if (alpha !== 1) attributes.alpha = { type: 'float', value: alpha };
  if (beta !== 1) attributes.beta = { type: 'float', value: beta };
  if (transA) attributes.transA = { type: 'int', value: 1 };
  if (transB) attributes.transB = { type: 'int', value: 1 };
  return node1('Gemm', c === undefined ? [a, b] : [a, b, c], { dtype: a.dtype, shape }, attributes);
};

const turned = ({ shape }: Value, transposed: boolean): [Dim, Dim] => {
  const [rows, columns] = [dimAt('Gemm', shape, 0), dimAt('Gemm', shape, 1)];
  return transposed ? [columns, rows] : [rows, columns];
};

const softened =
  (op: 'Softmax' | 'LogSoftmax') =>
  (x: Value, axis = -1): Value => {
    requireFloat(op, x);
    const attributes = { axis: { type: 'int', value: axisOf(op, axis, x.shape) } } as const;
    return node1(op, [x], { dtype: x.dtype, shape: x.shape }, attributes);
  };

export const Softmax = softened('Softmax');
export const LogSoftmax = softened('LogSoftmax');

/** Normalises over the last axes from `axis` on (Ba et al. 2016); scale and bias have those axes' shape. */
export const LayerNormalization = (x: Value, scale: Value, bias: Value, axis = -1, epsilon = 1e-5): Value => {
  sameFloat('LayerNormalization', x, scale, bias);
  const from = axisOf('LayerNormalization', axis, x.shape);
  const normalised = showShape(x.shape.slice(from));
  for (const value of [scale, bias])
    if (showShape(value.shape) !== normalised)
      throw new GraphError(
        `LayerNormalization: scale and bias must have shape ${normalised}, got ${showShape(value.shape)}`,
      );
  const reduced = x.shape.map((dim, index) => (index < from ? dim : 1));
  const [normal] = node(
    'LayerNormalization',
    [x, scale, bias],
    // Mean and inverse standard deviation are there for the gradient and are left out where nothing uses them.
    [x.shape, reduced, reduced].map((shape) => ({ dtype: x.dtype, shape })),
    { axis: { type: 'int', value: from }, epsilon: { type: 'float', value: epsilon } },
  );
  if (normal === undefined) throw new GraphError('LayerNormalization has an output');
  return normal;
};

export interface BatchStatistics {
  readonly scale: Value;
  readonly shift: Value;
  readonly mean: Value;
  readonly variance: Value;
}

/**
 * Normalises every channel (axis 1) with given statistics of shape [channels]: the form of inference (Ioffe & Szegedy
 * 2015). In training the statistics are those of the batch: layer/normalization.ts.
 */
export const BatchNormalization = (x: Value, statistics: BatchStatistics, epsilon = 1e-5): Value => {
  const { scale, shift, mean, variance } = statistics;
  const vectors = [scale, shift, mean, variance];
  sameFloat('BatchNormalization', x, ...vectors);
  const channels = dimAt('BatchNormalization', x.shape, 1);
  for (const value of vectors)
    if (value.rank !== 1 || value.shape[0] !== channels)
      throw new GraphError(
        `BatchNormalization: scale, shift, mean and variance must have shape [${channels}], got ${showShape(value.shape)}`,
      );
  return node1(
    'BatchNormalization',
    [x, ...vectors],
    { dtype: x.dtype, shape: x.shape },
    { epsilon: { type: 'float', value: epsilon } },
  );
};

export interface ReduceOptions {
  /** All axes when left out. */
  readonly axes?: readonly number[];
  /** Keeps the reduced axes with length one. Default false. */
  readonly keepDims?: boolean;
}

export const reducedShape = (op: string, x: Value, { axes, keepDims = false }: ReduceOptions) => {
  const gone = (axes ?? x.shape.map((_, axis) => axis))
    .map((axis) => axisOf(op, axis, x.shape))
    .sort((a, b) => a - b);
  const shape = keepDims
    ? gone.reduce((kept, axis) => withDim(kept, axis, 1), x.shape)
    : x.shape.filter((_, axis) => !gone.includes(axis));
  return { axes: gone, keepDims, shape };
};
