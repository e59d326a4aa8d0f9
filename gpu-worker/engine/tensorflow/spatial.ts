/** Convolutions and pools: ONNX has channels first and one or two spatial axes, TensorFlow channels last and two. */
import type * as tfjs from '@tensorflow/tfjs-core';
import { GraphError } from '../../../onnx';
import { first, ints, second } from './call';
import type { Call, Operator, Tensor, TensorFlow } from './call';

/** Channels last and two spatial axes, as TensorFlow calculates; an axis of length one stands in for a missing one. */
const toImage = (tf: TensorFlow, x: Tensor): Tensor =>
  tf.transpose(x.rank === 3 ? tf.expandDims(x, 2) : x, [0, 2, 3, 1]);
const fromImage = (tf: TensorFlow, x: Tensor, rank: number): Tensor => {
  const channelsFirst = tf.transpose(x, [0, 3, 1, 2]);
  return rank === 3 ? tf.squeeze(channelsFirst, [2]) : channelsFirst;
};

interface Window {
  readonly kernel: [number, number];
  readonly strides: [number, number];
  readonly dilations: [number, number];
  readonly pads: [[number, number], [number, number], [number, number], [number, number]];
}

const windowOf = (call: Call): Window => {
  const kernel = ints(call, 'kernel_shape') ?? [];
  const lift = (values: readonly number[]): [number, number] =>
    values.length === 1 ? [1, values[0] ?? 1] : [values[0] ?? 1, values[1] ?? 1];
  const axes = kernel.length;
  const pads = ints(call, 'pads') ?? [...kernel, ...kernel].map(() => 0);
  const pair = (axis: number): [number, number] => [pads[axis] ?? 0, pads[axis + axes] ?? 0];
  return {
    kernel: lift(kernel),
    strides: lift(ints(call, 'strides') ?? kernel.map(() => 1)),
    dilations: lift(ints(call, 'dilations') ?? kernel.map(() => 1)),
    pads: [[0, 0], axes === 1 ? [0, 0] : pair(0), axes === 1 ? pair(0) : pair(1), [0, 0]],
  };
};

export const convolution: Operator = (call) => {
  const { tf } = call;
  const { strides, dilations, pads } = windowOf(call);
  const x = first(call);
  const weights = second(call);
  const filters = tf.transpose(weights.rank === 3 ? tf.expandDims(weights, 2) : weights, [2, 3, 1, 0]);
  const convolved = tf.conv2d(
    tf.pad(toImage(tf, x), pads) as tfjs.Tensor4D,
    filters as tfjs.Tensor4D,
    strides,
    'valid',
    'NHWC',
    dilations,
  );
  const [, , bias] = call.x;
  return fromImage(tf, bias === undefined ? convolved : tf.add(convolved, bias), x.rank);
};

const LOWEST = -3.4e38;

export const maxPool: Operator = (call) => {
  const { tf } = call;
  const { kernel, strides, pads } = windowOf(call);
  const padded = tf.pad(toImage(tf, first(call)), pads, LOWEST) as tfjs.Tensor4D;
  return fromImage(tf, tf.maxPool(padded, kernel, strides, 'valid'), first(call).rank);
};

export const averagePool: Operator = (call) => {
  const { tf } = call;
  const { kernel, strides, pads } = windowOf(call);
  if (pads.flat().some((count) => count !== 0))
    throw new GraphError('AveragePool: the tensorflow engine takes no padding');
  const image = toImage(tf, first(call)) as tfjs.Tensor4D;
  return fromImage(tf, tf.avgPool(image, kernel, strides, 'valid'), first(call).rank);
};
