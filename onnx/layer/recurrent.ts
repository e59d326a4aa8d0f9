import { GraphError } from '../errors';
import * as op from '../op';
import { knownDim, product, requireRank } from '../shape';
import { showShape } from '../tensor';
import type { Value } from '../value';
import type { Shapes } from './names';

/**
 * Recurrent layers unrolled over time, for training; fused.ts computes the same with one operator. What does not wait
 * for the state, the product with the inputs, is computed for all steps at once.
 */

/** Gates side by side in ONNX's order z r h (update, reset, candidate). */
export interface GruWeights {
  /** [signals, 3 · hidden] */
  readonly kernel: Value;
  /** [hidden, 3 · hidden] */
  readonly recurrent: Value;
  /** [3 · hidden] */
  readonly bias: Value;
  /** [3 · hidden]; stands inside the reset for the candidate, so it is no duplicate of `bias`. */
  readonly recurrentBias: Value;
}

/** Gates side by side in ONNX's order i o f c (input, output, forget, candidate). */
export interface LstmWeights {
  /** [signals, 4 · hidden] */
  readonly kernel: Value;
  /** [hidden, 4 · hidden] */
  readonly recurrent: Value;
  /** [4 · hidden] */
  readonly bias: Value;
}

export const gruParameters = (signals: number, hidden: number): Shapes<GruWeights> => ({
  kernel: [signals, 3 * hidden],
  recurrent: [hidden, 3 * hidden],
  bias: [3 * hidden],
  recurrentBias: [3 * hidden],
});

export const lstmParameters = (signals: number, hidden: number): Shapes<LstmWeights> => ({
  kernel: [signals, 4 * hidden],
  recurrent: [hidden, 4 * hidden],
  bias: [4 * hidden],
});

export interface RecurrentOptions {
  /** Reads the steps from the last to the first. */
  readonly reverse?: boolean;
}

export interface RecurrentResult {
  /** State after every step, in order of time: [batch, time, hidden]. */
  readonly sequence: Value;
  /** State after the step that was read last: [batch, hidden]. */
  readonly last: Value;
}

/** @param x [batch, time, signals] with a known number of steps; the state starts at zero */
export const gru = (
  x: Value,
  weights: GruWeights,
  { reverse = false }: RecurrentOptions = {},
): RecurrentResult => {
  const hidden = hiddenOf('gru', 3, x, weights);
  const gates = [2 * hidden, hidden];
  const [inputGates, inputCandidates] = op.Split(inputProducts(x, weights.kernel, weights.bias), gates, 1);
  if (!inputGates || !inputCandidates) throw new GraphError('gru: two parts');
  const ofGates = steps(x, inputGates);
  const ofCandidate = steps(x, inputCandidates);
  return unrolled(x, reverse, (time, before: Value | undefined) => {
    // The first state is zero, so only the bias is left of its product.
    const fromState =
      before === undefined
        ? op.Split(weights.recurrentBias, gates, 0)
        : op.Split(op.Gemm(before, weights.recurrent, weights.recurrentBias), gates, 1);
    const [stateGates, stateCandidate] = fromState;
    const [xGates, xCandidate] = [ofGates[time], ofCandidate[time]];
    if (!stateGates || !stateCandidate || !xGates || !xCandidate) throw new GraphError('gru: two parts');
    const [update, reset] = op.Split(op.Sigmoid(op.Add(xGates, stateGates)), [hidden, hidden], 1);
    if (!update || !reset) throw new GraphError('gru: two gates');
    const candidate = op.Tanh(op.Add(xCandidate, op.Mul(reset, stateCandidate)));
    const state =
      before === undefined
        ? op.Sub(candidate, op.Mul(update, candidate))
        : op.Add(candidate, op.Mul(update, op.Sub(before, candidate)));
    return { output: state, carried: state };
  });
};

/** @param x [batch, time, signals] with a known number of steps; state and cell start at zero */
export const lstm = (
  x: Value,
  weights: LstmWeights,
  { reverse = false }: RecurrentOptions = {},
): RecurrentResult => {
  const hidden = hiddenOf('lstm', 4, x, weights);
  const inputs = steps(x, inputProducts(x, weights.kernel, weights.bias));
  return unrolled(x, reverse, (time, before: { state: Value; cell: Value } | undefined) => {
    const input = inputs[time];
    if (!input) throw new GraphError('lstm: a step is missing');
    const sums = before === undefined ? input : op.Gemm(before.state, weights.recurrent, input);
    const [gates, raw] = op.Split(sums, [3 * hidden, hidden], 1);
    if (!gates || !raw) throw new GraphError('lstm: two parts');
    const [write, read, keep] = op.Split(op.Sigmoid(gates), [hidden, hidden, hidden], 1);
    if (!write || !read || !keep) throw new GraphError('lstm: three gates');
    const written = op.Mul(write, op.Tanh(raw));
    const cell = before === undefined ? written : op.Add(op.Mul(keep, before.cell), written);
    const state = op.Mul(read, op.Tanh(cell));
    return { output: state, carried: { state, cell } };
  });
};

const unrolled = <S>(
  x: Value,
  reverse: boolean,
  step: (time: number, before: S | undefined) => { readonly output: Value; readonly carried: S },
): RecurrentResult => {
  const time = knownDim('recurrent layer', x.shape, 1);
  const order = Array.from({ length: time }, (_, at) => (reverse ? time - 1 - at : at));
  const outputs: Value[] = [];
  let carried: S | undefined;
  for (const now of order) {
    const result = step(now, carried);
    carried = result.carried;
    outputs[now] = result.output;
  }
  const last = outputs[order[time - 1] ?? 0];
  if (last === undefined) throw new GraphError(`recurrent layer: no steps in ${showShape(x.shape)}`);
  return {
    last,
    sequence: op.Concat(
      outputs.map((output) => op.Unsqueeze(output, [1])),
      1,
    ),
  };
};

/** The inputs' share of all gates at all steps: [time · batch, gates · hidden], step by step. */
const inputProducts = (x: Value, kernel: Value, bias: Value): Value => {
  const byTime = op.Transpose(x, [1, 0, 2]);
  const rows = product(byTime.shape.slice(0, 2));
  return op.Gemm(op.Reshape(byTime, [rows, knownDim('recurrent layer', x.shape, 2)]), kernel, bias);
};

/** Cuts [time · batch, width] into [batch, width] for every step. */
const steps = (x: Value, table: Value): Value[] => {
  const [batch = 1, time = 1] = x.shape;
  const width = knownDim('recurrent layer', table.shape, 1);
  const count = Number(time);
  if (typeof batch === 'number') return op.Split(table, new Array<number>(count).fill(batch), 0);
  return op
    .Split(op.Reshape(table, [time, batch, width]), new Array<number>(count).fill(1), 0)
    .map((part) => op.Squeeze(part, [0]));
};

/** Checks shapes and gives the number of hidden units. */
export const hiddenOf = (
  what: string,
  gates: number,
  x: Value,
  weights: { readonly kernel: Value; readonly recurrent: Value },
): number => {
  requireRank(what, 'x', x, 3);
  requireRank(what, 'the recurrent kernel', weights.recurrent, 2);
  const hidden = knownDim(what, weights.recurrent.shape, 0);
  const signals = x.shape[2];
  const { kernel, recurrent } = weights;
  if (
    recurrent.shape[1] !== gates * hidden ||
    kernel.shape[1] !== gates * hidden ||
    kernel.shape[0] !== signals
  )
    throw new GraphError(
      `${what}: kernels ${showShape(kernel.shape)} and ${showShape(recurrent.shape)} do not fit ${showShape(x.shape)}`,
    );
  return hidden;
};
