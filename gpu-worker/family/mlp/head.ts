/**
 * From hidden values to outputs: one dense layer, or the many of TabM-mini (Gorishniy, Kotelnikov & Babenko, «TabM»,
 * ICLR 2025): k members share every weight except a scale for each input and a last layer of their own. All members of
 * all rows pass through the shared layers as one table of [k · rows, width], member after member.
 */
import { glorotUniform, op, randomKey, randomUnit } from '../../../onnx';
import type { Parameters, Value, Weights } from '../../../onnx';
import { concatenated } from '../../engine/concatenated';
import { inLayer, named } from '../network/network';
import { bias, kernel } from './backbone';

const ADAPTER = 'adapter/scale';

export interface Members {
  readonly count: number;
  /** Lengths of the parts of the input that belong together: a member starts with one sign for each. */
  readonly sections: readonly number[];
}

export const adapterParameters = ({ count, sections }: Members): Parameters =>
  count === 1 ? {} : { [ADAPTER]: [count, 1, sections.reduce((sum, length) => sum + length, 0)] };

export const adapterStart = ({ count, sections }: Members, seed: number): Weights => {
  if (count === 1) return {};
  const key = randomKey(seed, 0x400);
  const signs = Array.from({ length: count }, (_, member) =>
    sections.flatMap((length, section) => {
      const sign = randomUnit(key, member * sections.length + section) < 0.5 ? -1 : 1;
      return Array.from({ length }, () => sign);
    }),
  );
  return { [ADAPTER]: Float32Array.from(signs.flat()) };
};

/** [rows, width] -> [k · rows, width] */
export const adapted = (x: Value, weights: Readonly<Record<string, Value>>, count: number): Value => {
  if (count === 1) return x;
  const [rows = 1, width = 1] = x.shape;
  const each = op.Mul(op.Unsqueeze(x, [0]), named(weights, ADAPTER));
  return op.Reshape(each, [typeof rows === 'number' ? count * rows : `${rows}*${count}`, width]);
};

export const headParameters = (layer: number, from: number, outputs: number, count: number): Parameters =>
  count === 1
    ? { [kernel(layer)]: [from, outputs], [bias(layer)]: [outputs] }
    : { [kernel(layer)]: [count, from, outputs], [bias(layer)]: [count, 1, outputs] };

export const headStart = (parameters: Parameters, seed: number, stream: number): Weights =>
  Object.fromEntries(
    Object.entries(parameters).map(([name, dims]) => {
      const size = dims.reduce((product, dim) => product * dim, 1);
      if (!name.endsWith('/kernel')) return [name, new Float32Array(size)];
      if (dims.length === 2) return [name, glorotUniform(dims, seed, stream)];
      const [count = 1, ...one] = dims;
      const each = Array.from({ length: count }, (_, member) =>
        glorotUniform(one, randomKey(seed, 0x401, member), stream),
      );
      return [name, concatenated(each, Float32Array)];
    }),
  );

/** [rows, from] -> [rows, outputs], or [k · rows, from] -> [k, rows, outputs]. */
export const head = (
  x: Value,
  weights: Readonly<Record<string, Value>>,
  layer: number,
  { count, rows }: { readonly count: number; readonly rows: number | string },
): Value =>
  inLayer(`dense${layer}`, ['hidden', layer], () => {
    const [matrix, offset] = [named(weights, kernel(layer)), named(weights, bias(layer))];
    if (count === 1) return op.Gemm(x, matrix, offset);
    const members = op.Reshape(x, [count, rows, x.shape[1]]);
    return op.Add(op.MatMul(members, matrix), offset);
  });

/** One answer from [k, rows, outputs]: the mean, or the logits of the members' mean probabilities. */
export const joined = (outputs: Value, count: number, classify: boolean): Value => {
  if (count === 1) return outputs;
  if (!classify) return op.ReduceMean(outputs, { axes: [0] });
  const likelihoods = op.LogSoftmax(outputs);
  const greatest = op.ReduceMax(likelihoods, { axes: [0], keepDims: true });
  const sum = op.ReduceSum(op.Exp(op.Sub(likelihoods, greatest)), { axes: [0], keepDims: true });
  return op.Squeeze(op.Sub(op.Add(op.Log(sum), greatest), Math.log(count)), [0]);
};
