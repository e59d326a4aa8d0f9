import { GraphError } from '../errors';
import { dimAt, knownDim, requireFloat } from '../shape';
import { showShape, type Dim } from '../tensor';
import { node, node1, type Value } from '../value';

/** Convolution and pooling in one or two dimensions, channels first: [batch, channels, (height,) width]. */

export interface WindowOptions {
  /** One per spatial axis; default 1 each. */
  readonly strides?: readonly number[];
  readonly dilations?: readonly number[];
  /** Zeros added before all and then after all spatial axes; 'same' keeps ceil(length / stride), default none. */
  readonly pads?: readonly number[] | 'same';
}

export interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly pads: readonly number[];
  readonly spatial: readonly number[];
}

/** Resolves options against an input, so that every number is known ('same' pads as TensorFlow does). */
export const windowOf = (op: string, x: Value, kernel: readonly number[], options: WindowOptions): Window => {
  const axes = kernel.length;
  if (x.rank !== axes + 2 || (axes !== 1 && axes !== 2))
    throw new GraphError(
      `${op}: a kernel of ${axes} axes does not fit an input of shape ${showShape(x.shape)}`,
    );
  const strides = options.strides ?? kernel.map(() => 1);
  const dilations = options.dilations ?? kernel.map(() => 1);
  const lengths = kernel.map((_, axis) => knownDim(op, x.shape, axis + 2));
  const reach = kernel.map((size, axis) => (size - 1) * at(dilations, axis) + 1);
  const pads =
    options.pads === 'same'
      ? samePads(lengths, reach, strides)
      : (options.pads ?? [...kernel, ...kernel].map(() => 0));
  if (strides.length !== axes || dilations.length !== axes || pads.length !== 2 * axes)
    throw new GraphError(
      `${op}: strides, dilations and pads must have ${axes}, ${axes} and ${2 * axes} numbers`,
    );
  const spatial = lengths.map(
    (length, axis) =>
      Math.floor((length + at(pads, axis) + at(pads, axis + axes) - at(reach, axis)) / at(strides, axis)) + 1,
  );
  if (spatial.some((length) => length < 1))
    throw new GraphError(
      `${op}: a kernel of [${kernel.join(', ')}] is larger than the input ${showShape(x.shape)}`,
    );
  return { kernel, strides, dilations, pads, spatial };
};

const samePads = (
  lengths: readonly number[],
  reach: readonly number[],
  strides: readonly number[],
): number[] => {
  const total = lengths.map((length, axis) =>
    Math.max(0, (Math.ceil(length / at(strides, axis)) - 1) * at(strides, axis) + at(reach, axis) - length),
  );
  return [...total.map((sum) => Math.floor(sum / 2)), ...total.map((sum) => sum - Math.floor(sum / 2))];
};

const at = (list: readonly number[], index: number): number => list[index] ?? 0;

const ints = (value: readonly number[]) => ({ type: 'ints', value }) as const;

/**
 * Cross-correlation, as every learning framework means by convolution.
 * @param weights [filters, channels, ...kernel]
 * @param bias [filters]
 */
export const Conv = (x: Value, weights: Value, bias?: Value, options: WindowOptions = {}): Value => {
  requireFloat('Conv', x);
  const kernel = weights.shape.slice(2).map((_, axis) => knownDim('Conv', weights.shape, axis + 2));
  const window = windowOf('Conv', x, kernel, options);
  const filters = dimAt('Conv', weights.shape, 0);
  if (x.shape[1] !== weights.shape[1])
    throw new GraphError(
      `Conv: input ${showShape(x.shape)} has ${x.shape[1]} channels, weights ${showShape(weights.shape)} expect ${weights.shape[1]}`,
    );
  if (bias !== undefined && (bias.rank !== 1 || bias.shape[0] !== filters))
    throw new GraphError(`Conv: bias of shape ${showShape(bias.shape)} does not fit ${filters} filters`);
  return node1(
    'Conv',
    bias === undefined ? [x, weights] : [x, weights, bias],
    { dtype: x.dtype, shape: [dimAt('Conv', x.shape, 0), filters, ...window.spatial] },
    {
      kernel_shape: ints(kernel),
      strides: ints(window.strides),
      dilations: ints(window.dilations),
      pads: ints(window.pads),
    },
  );
};

const pooledShape = (op: string, x: Value, window: Window): Dim[] => [
  dimAt(op, x.shape, 0),
  dimAt(op, x.shape, 1),
  ...window.spatial,
];

/** Largest element of each window and its index in the flattened input (int64), which the gradient needs. */
export const MaxPoolWithIndices = (
  x: Value,
  kernel: readonly number[],
  options: WindowOptions = {},
): [Value, Value] => {
  requireFloat('MaxPool', x);
  const window = windowOf('MaxPool', x, kernel, { strides: kernel, ...options });
  const shape = pooledShape('MaxPool', x, window);
  const outputs = [
    { dtype: x.dtype, shape },
    { dtype: 'int64', shape },
  ] as const;
  const [pooled, indices] = node('MaxPool', [x], outputs, {
    kernel_shape: ints(kernel),
    strides: ints(window.strides),
    dilations: ints(window.dilations),
    pads: ints(window.pads),
  });
  if (pooled === undefined || indices === undefined) throw new GraphError('MaxPool has two outputs');
  return [pooled, indices];
};

/** Largest element of each window; windows touch without overlap unless `strides` say otherwise. */
export const MaxPool = (x: Value, kernel: readonly number[], options: WindowOptions = {}): Value =>
  MaxPoolWithIndices(x, kernel, options)[0];

/** Mean of each window, padding not counted. */
export const AveragePool = (x: Value, kernel: readonly number[], options: WindowOptions = {}): Value => {
  requireFloat('AveragePool', x);
  const window = windowOf('AveragePool', x, kernel, { strides: kernel, ...options });
  if (window.dilations.some((step) => step !== 1))
    throw new GraphError('AveragePool: dilations are not supported in opset 17');
  return node1(
    'AveragePool',
    [x],
    { dtype: x.dtype, shape: pooledShape('AveragePool', x, window) },
    { kernel_shape: ints(kernel), strides: ints(window.strides), pads: ints(window.pads) },
  );
};

/** Mean over all spatial axes, which stay with length one. */
export const GlobalAveragePool = (x: Value): Value => {
  requireFloat('GlobalAveragePool', x);
  if (x.rank < 3) throw new GraphError(`GlobalAveragePool: shape ${showShape(x.shape)} has no spatial axis`);
  return node1('GlobalAveragePool', [x], {
    dtype: x.dtype,
    shape: x.shape.map((dim, axis) => (axis < 2 ? dim : 1)),
  });
};
