import { countOf, glorotUniform, layer, op } from '../../../onnx';
import type { Value, Weights } from '../../../onnx';
import type { RnnSpec } from '../../../contracts';
import { headWeights } from '../series/sequence-core';
import type { CoreShape, SequenceCore } from '../series/sequence-core';

/** GRU or LSTM layers over the window; what is left in the state after the last step is answered by a dense layer. */
export const rnnCore = (spec: RnnSpec, { length, channels, outputs }: CoreShape): SequenceCore => {
  const { hidden, layers, dropout: rate } = spec;
  const names = Array.from({ length: layers }, (_, i) => `${spec.cell}${i}`);
  const shapes = names.map((_, i) => shapesOf(spec, i === 0 ? channels : hidden));
  const parameters = {
    ...Object.assign({}, ...names.map((name, i) => layer.namedShapes(name, shapes[i]))),
    'head/kernel': [hidden, outputs],
    'head/bias': [outputs],
  } as Record<string, readonly number[]>;
  return {
    parameters,
    initial: (seed) => initialWeights(parameters, spec, seed),
    decayed: Object.keys(parameters).filter((name) => parameters[name].length === 2),
    work: length * shapes.reduce((sum, of) => sum + countOf(of.kernel) + countOf(of.recurrent), 0),
    forward: ({ weights, dropout, fused }, x) => {
      let sequence = x;
      let last: Value | undefined;
      names.forEach((name, i) => {
        const result = run(spec, fused, sequence, layer.weightsOf(weights, name, shapes[i]));
        sequence = i < layers - 1 ? dropout(result.sequence, rate) : result.sequence;
        ({ last } = result);
      });
      if (last === undefined) throw new Error('a recurrent network has a layer');
      return op.Gemm(dropout(last, rate), weights['head/kernel'], weights['head/bias']);
    },
  };
};

const shapesOf = ({ cell, hidden }: RnnSpec, signals: number): Readonly<Record<string, readonly number[]>> =>
  cell === 'gru' ? { ...layer.gruParameters(signals, hidden) } : { ...layer.lstmParameters(signals, hidden) };

const run = (
  { cell }: RnnSpec,
  fused: boolean,
  x: Value,
  { kernel, recurrent, bias, recurrentBias }: Readonly<Record<string, Value>>,
): layer.RecurrentResult => {
  const weights = { kernel, recurrent, bias };
  if (cell === 'lstm') return fused ? layer.fusedLstm(x, weights) : layer.lstm(x, weights);
  const gated = { ...weights, recurrentBias };
  return fused ? layer.fusedGru(x, gated) : layer.gru(x, gated);
};

/** Glorot uniform gate by gate; an LSTM starts out remembering (forget bias 1, Jozefowicz et al. 2015). */
const initialWeights = (
  parameters: Readonly<Record<string, readonly number[]>>,
  { cell, hidden }: RnnSpec,
  seed: number,
): Weights =>
  Object.fromEntries(
    Object.entries(parameters).map(([name, dims], stream) => {
      const [from, to = 0] = dims;
      if (dims.length === 1) {
        const bias = new Float32Array(from);
        if (cell === 'lstm' && name.startsWith('lstm')) bias.fill(1, 2 * hidden, 3 * hidden);
        return [name, bias];
      }
      if (name.startsWith('head')) return [name, headWeights(dims, seed, stream)];
      const gates = to / hidden;
      const weights = new Float32Array(from * to);
      for (let gate = 0; gate < gates; gate++) {
        const block = glorotUniform([from, hidden], seed, 1000 * (gate + 1) + stream);
        for (let row = 0; row < from; row++)
          weights.set(block.subarray(row * hidden, (row + 1) * hidden), row * to + gate * hidden);
      }
      return [name, weights];
    }),
  );
