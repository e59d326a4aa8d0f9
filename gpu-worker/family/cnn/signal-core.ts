import { countOf, heNormal, op } from '../../../onnx';
import type { CnnSpec } from '../../../contracts';
import { denseLayers, denseParameters, denseStack, denseStart, denseWork } from '../network/dense';
import { headWeights } from '../series/sequence-core';
import type { CoreShape, SequenceCore } from '../series/sequence-core';

const FILTERS = [32, 64, 64];
/** A window no longer than this is not halved any more. */
const SHORTEST = 4;

/**
 * Convolutions along time over [windows, length, channels], each block halving the window; of every filter the mean and the
 * strongest response are answered by dense layers.
 */
export const signalCore = (spec: CnnSpec, { length, channels, outputs }: CoreShape): SequenceCore => {
  const filters = spec.filters ?? FILTERS;
  let left = length;
  const blocks = filters.map((to, at) => {
    const steps = left;
    const halve = left >= 2 * SHORTEST;
    if (halve) left = Math.floor(left / 2);
    return { name: `conv${at}`, from: filters[at - 1] ?? channels, to, steps, halve };
  });
  const convolutions: Record<string, readonly number[]> = {};
  for (const { name, from, to } of blocks)
    Object.assign(convolutions, { [`${name}/kernel`]: [to, from, spec.kernel], [`${name}/bias`]: [to] });
  const layers = denseLayers('dense', [2 * (filters.at(-1) ?? 0), ...spec.hidden, outputs]);
  const parameters = { ...convolutions, ...denseParameters(layers) };
  return {
    parameters,
    initial: (seed) => ({
      ...Object.fromEntries(
        Object.entries(convolutions).map(([name, dims], stream) => [
          name,
          dims.length === 1 ? new Float32Array(dims[0]) : heNormal(dims, seed, stream),
        ]),
      ),
      ...denseStart(layers, (dims, at) =>
        (at < spec.hidden.length ? heNormal : headWeights)(dims, seed, 2 * (blocks.length + at)),
      ),
    }),
    decayed: Object.keys(parameters).filter((name) => name.endsWith('/kernel')),
    work:
      blocks.reduce((sum, { name, steps }) => sum + steps * countOf(parameters[`${name}/kernel`] ?? []), 0) +
      denseWork(layers),
    forward: ({ weights, dropout }, x) => {
      let values = op.Transpose(x, [0, 2, 1]);
      for (const { name, halve } of blocks) {
        const convolved = op.Conv(values, weights[`${name}/kernel`], weights[`${name}/bias`], {
          pads: 'same',
        });
        values = op.Relu(convolved);
        if (halve) values = op.MaxPool(values, [2]);
      }
      values = op.Concat([op.ReduceMean(values, { axes: [2] }), op.ReduceMax(values, { axes: [2] })], 1);
      return denseStack(values, weights, layers, { dropout: (pooled) => dropout(pooled, spec.dropout) });
    },
  };
};
