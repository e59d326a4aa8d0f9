/**
 * The operators of a training graph (ONNX opset 17) in the TensorFlow.js API. Gradients are TensorFlow's own: nothing of
 * `onnx/gradient` takes part, so the two engines check each other.
 */
import type * as tfjs from '@tensorflow/tfjs-core';
import { GraphError, isStopped } from '../../../onnx';
import { constants, first, ints, known, number, pick, second, third } from './call';
import type { Operator, Tensor, TensorFlow } from './call';
import { averagePool, convolution, maxPool } from './spatial';

const unary =
  (apply: (tf: TensorFlow, x: Tensor) => Tensor): Operator =>
  (call) =>
    apply(call.tf, first(call));
const binary =
  (apply: (tf: TensorFlow, a: Tensor, b: Tensor) => Tensor): Operator =>
  (call) =>
    apply(call.tf, first(call), second(call));

/** Matrix products of any rank: tfjs broadcasts only equal batch dimensions or a single matrix. */
const product = (tf: TensorFlow, a: Tensor, b: Tensor): Tensor => {
  if (b.rank === 2 && a.rank > 2) {
    const [inner = 1, outer = 1] = b.shape;
    return tf.reshape(tf.matMul(tf.reshape(a, [-1, inner]), b as tfjs.Tensor2D), [
      ...a.shape.slice(0, -1),
      outer,
    ]);
  }
  return tf.matMul(a, b);
};

const gemm: Operator = (call) => {
  const { tf } = call;
  const result = tf.matMul(
    first(call),
    second(call),
    number(call, 'transA', 0) === 1,
    number(call, 'transB', 0) === 1,
  );
  const [alpha, beta] = [number(call, 'alpha', 1), number(call, 'beta', 1)];
  const scaled = alpha === 1 ? result : tf.mul(result, alpha);
  const [, , c] = call.x;
  return c === undefined ? scaled : tf.add(scaled, beta === 1 ? c : tf.mul(c, beta));
};

const reduce =
  (apply: (tf: TensorFlow, x: Tensor, axes: number[], keep: boolean) => Tensor): Operator =>
  (call) => {
    const axes = ints(call, 'axes') ?? (call.node.inputs[1] === undefined ? undefined : constants(call, 1));
    const all = first(call).shape.map((_, axis) => axis);
    return apply(call.tf, first(call), [...(axes ?? all)], number(call, 'keepdims', 1) === 1);
  };

const normalised = (tf: TensorFlow, x: Tensor, axes: number[], epsilon: number): Tensor[] => {
  const { mean, variance } = tf.moments(x, axes, true);
  const inverse = tf.rsqrt(tf.add(variance, epsilon));
  return [tf.mul(tf.sub(x, mean), inverse), mean, inverse];
};

const layerNormalization: Operator = (call) => {
  const { tf } = call;
  const x = first(call);
  const axes = x.shape.map((_, axis) => axis).slice(number(call, 'axis', -1));
  const [normal, mean, inverse] = normalised(tf, x, axes, number(call, 'epsilon', 1e-5));
  if (normal === undefined || mean === undefined || inverse === undefined)
    throw new GraphError('moments have three parts');
  return [tf.add(tf.mul(normal, second(call)), third(call)), mean, inverse];
};

const batchNormalization: Operator = (call) => {
  const { tf } = call;
  const x = first(call);
  const along = (value: Tensor): Tensor =>
    tf.reshape(value, [-1, ...Array.from({ length: x.rank - 2 }, () => 1)]);
  const [scale, shift, mean, variance] = [1, 2, 3, 4].map((index) => along(pick(call.x, index)));
  if (!scale || !shift || !mean || !variance) throw new GraphError('statistics are missing');
  const inverse = tf.rsqrt(tf.add(variance, number(call, 'epsilon', 1e-5)));
  return tf.add(tf.mul(tf.mul(tf.sub(x, mean), inverse), scale), shift);
};

const slice: Operator = (call) => {
  const x = first(call);
  const [starts, ends, axes, steps] = [1, 2, 3, 4].map((index) => constants(call, index));
  const begin = x.shape.map(() => 0);
  const end = [...x.shape];
  const strides = x.shape.map(() => 1);
  let reversed = 0;
  axes?.forEach((axis, at) => {
    const length = x.shape[axis] ?? 0;
    const place = (value: number): number => (value < 0 ? value + length : value);
    const step = steps?.[at] ?? 1;
    const to = ends?.[at] ?? length;
    begin[axis] = Math.min(Math.max(place(starts?.[at] ?? 0), 0), step > 0 ? length : length - 1);
    end[axis] = step > 0 ? Math.min(place(to), length) : place(to);
    strides[axis] = step;
    // Before the first element there is no position that TensorFlow would not count from the end.
    if (step < 0 && to < -length) reversed |= 1 << axis;
  });
  return call.tf.stridedSlice(x, begin, end, strides, 0, reversed);
};

const gather: Operator = (call) => call.tf.gather(first(call), second(call), number(call, 'axis', 0));

const split: Operator = (call) => call.tf.split(first(call), constants(call, 1), number(call, 'axis', 0));

const oneHot: Operator = (call) => {
  const [depth = 1] = constants(call, 1);
  const [off = 0, on = 1] = constants(call, 2);
  return call.tf.cast(call.tf.oneHot(call.tf.cast(first(call), 'int32'), depth, on, off), 'float32');
};

const DTYPES: Readonly<Record<string, 'float32' | 'int32' | 'bool'>> = {
  float32: 'float32',
  float16: 'float32',
  float64: 'float32',
  bool: 'bool',
};

const cast: Operator = (call) =>
  call.tf.cast(first(call), DTYPES[call.node.outputs[0]?.dtype ?? 'float32'] ?? 'int32');

const clip: Operator = (call) => {
  const { tf } = call;
  const [, low, high] = call.x;
  const above = low === undefined ? first(call) : tf.maximum(first(call), low);
  return high === undefined ? above : tf.minimum(above, high);
};

const reshape: Operator = (call) => call.tf.reshape(first(call), known(call.node, call.node.outputs[0]));

/** Operator name -> what it does. A graph with another operator is refused with this list. */
export const OPERATORS: Readonly<Record<string, Operator>> = {
  Add: binary((tf, a, b) => tf.add(a, b)),
  Sub: binary((tf, a, b) => tf.sub(a, b)),
  Mul: binary((tf, a, b) => tf.mul(a, b)),
  Div: binary((tf, a, b) => tf.div(a, b)),
  Pow: binary((tf, a, b) => tf.pow(a, b)),
  Max: binary((tf, a, b) => tf.maximum(a, b)),
  Min: binary((tf, a, b) => tf.minimum(a, b)),
  Equal: binary((tf, a, b) => tf.equal(a, b)),
  Less: binary((tf, a, b) => tf.less(a, b)),
  LessOrEqual: binary((tf, a, b) => tf.lessEqual(a, b)),
  Greater: binary((tf, a, b) => tf.greater(a, b)),
  GreaterOrEqual: binary((tf, a, b) => tf.greaterEqual(a, b)),
  And: binary((tf, a, b) => tf.logicalAnd(a, b)),
  Or: binary((tf, a, b) => tf.logicalOr(a, b)),
  Not: unary((tf, x) => tf.logicalNot(x)),
  Where: (call) => call.tf.where(call.tf.cast(first(call), 'bool'), second(call), third(call)),
  Neg: unary((tf, x) => tf.neg(x)),
  Abs: unary((tf, x) => tf.abs(x)),
  Sign: unary((tf, x) => tf.sign(x)),
  Sqrt: unary((tf, x) => tf.sqrt(x)),
  Exp: unary((tf, x) => tf.exp(x)),
  Log: unary((tf, x) => tf.log(x)),
  Erf: unary((tf, x) => tf.erf(x)),
  Sin: unary((tf, x) => tf.sin(x)),
  Cos: unary((tf, x) => tf.cos(x)),
  Tanh: unary((tf, x) => tf.tanh(x)),
  Sigmoid: unary((tf, x) => tf.sigmoid(x)),
  Relu: unary((tf, x) => tf.relu(x)),
  Softplus: unary((tf, x) => tf.softplus(x)),
  Floor: unary((tf, x) => tf.floor(x)),
  Ceil: unary((tf, x) => tf.ceil(x)),
  Reciprocal: unary((tf, x) => tf.reciprocal(x)),
  Identity: ({ tf, node, x }) => {
    if (!isStopped(node)) return pick(x, 0);
    const constant = tf.customGrad((value) => ({
      value: tf.clone(value as Tensor),
      gradFunc: (slope: Tensor) => tf.zerosLike(slope),
    }));
    return constant(pick(x, 0));
  },
  LeakyRelu: (call) => call.tf.leakyRelu(first(call), number(call, 'alpha', 0.01)),
  Elu: (call) => call.tf.elu(first(call)),
  HardSigmoid: (call) =>
    call.tf.clipByValue(
      call.tf.add(call.tf.mul(first(call), number(call, 'alpha', 0.2)), number(call, 'beta', 0.5)),
      0,
      1,
    ),
  Clip: clip,
  Cast: cast,
  MatMul: binary(product),
  Gemm: gemm,
  Softmax: unary((tf, x) => tf.softmax(x)),
  LogSoftmax: unary((tf, x) => tf.logSoftmax(x)),
  LayerNormalization: layerNormalization,
  BatchNormalization: batchNormalization,
  Conv: convolution,
  MaxPool: maxPool,
  AveragePool: averagePool,
  GlobalAveragePool: (call) =>
    call.tf.mean(
      first(call),
      first(call)
        .shape.map((_, axis) => axis)
        .slice(2),
      true,
    ),
  ReduceSum: reduce((tf, x, axes, keep) => tf.sum(x, axes, keep)),
  ReduceMean: reduce((tf, x, axes, keep) => tf.mean(x, axes, keep)),
  ReduceMax: reduce((tf, x, axes, keep) => tf.max(x, axes, keep)),
  ReduceMin: reduce((tf, x, axes, keep) => tf.min(x, axes, keep)),
  Reshape: reshape,
  Unsqueeze: reshape,
  Squeeze: reshape,
  Transpose: (call) => call.tf.transpose(first(call), [...(ints(call, 'perm') ?? [])]),
  Expand: (call) => call.tf.broadcastTo(first(call), known(call.node, call.node.outputs[0])),
  Concat: (call) => call.tf.concat([...call.x], number(call, 'axis', 0)),
  Split: split,
  Slice: slice,
  Pad: (call) => {
    const counts = constants(call, 1);
    const { rank } = first(call);
    const [value = 0] = constants(call, 2);
    return call.tf.pad(
      first(call),
      Array.from({ length: rank }, (_, axis): [number, number] => [
        counts[axis] ?? 0,
        counts[axis + rank] ?? 0,
      ]),
      value,
    );
  },
  Gather: gather,
  OneHot: oneHot,
};
