import * as op from '../op';
import { tensor, type Tensor } from '../tensor';
import { constant, type Value } from '../value';
import {
  hiddenOf,
  type GruWeights,
  type LstmWeights,
  type RecurrentOptions,
  type RecurrentResult,
} from './recurrent';

/** Recurrent layers as one operator, for exported models: same weights and results as the unrolled ones. */

/** @param x [batch, time, signals] */
export const fusedGru = (
  x: Value,
  weights: GruWeights,
  { reverse = false }: RecurrentOptions = {},
): RecurrentResult => {
  hiddenOf('gru', 3, x, weights);
  const { sequence, hidden } = op.GRU({
    ...operands(x, weights, reverse),
    B: op.Unsqueeze(op.Concat([weights.bias, weights.recurrentBias], 0), [0]),
  });
  return { sequence: batchFirst(sequence), last: op.Squeeze(hidden, [0]) };
};

/** @param x [batch, time, signals] */
export const fusedLstm = (
  x: Value,
  weights: LstmWeights,
  { reverse = false }: RecurrentOptions = {},
): RecurrentResult => {
  const gates = 4 * hiddenOf('lstm', 4, x, weights);
  const none = constant(tensor('float32', new Float32Array(gates), [gates]));
  const { sequence, hidden } = op.LSTM({
    ...operands(x, weights, reverse),
    B: op.Unsqueeze(op.Concat([weights.bias, none], 0), [0]),
  });
  return { sequence: batchFirst(sequence), last: op.Squeeze(hidden, [0]) };
};

const operands = (
  x: Value,
  weights: { readonly kernel: Value; readonly recurrent: Value },
  reverse: boolean,
) => ({
  x: op.Transpose(x, [1, 0, 2]),
  W: op.Unsqueeze(transposed(weights.kernel), [0]),
  R: op.Unsqueeze(transposed(weights.recurrent), [0]),
  direction: reverse ? ('reverse' as const) : ('forward' as const),
});

/** [time, 1, batch, hidden] -> [batch, time, hidden] */
const batchFirst = (sequence: Value): Value => op.Transpose(op.Squeeze(sequence, [1]), [1, 0, 2]);

/** A constant is turned here rather than by every reader of the file. */
const transposed = (matrix: Value): Value => {
  if (matrix.origin.kind !== 'constant') return op.Transpose(matrix, [1, 0]);
  return constant(turned(matrix.origin.tensor));
};

const turned = ({ dtype, dims, data }: Tensor): Tensor => {
  const [rows = 1, columns = 1] = dims;
  const source = data as Float32Array;
  const target = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      target[column * rows + row] = source[row * columns + column] ?? NaN;
  return tensor(dtype, target, [columns, rows]);
};
