import { GraphError } from '../errors';
import { dimAt, knownDim, requireFloat, requireRank } from '../shape';
import { sameShape, showShape, type Dim, type Shape } from '../tensor';
import { node, type Attribute, type Value } from '../value';

/**
 * The fused recurrent operators of ONNX opset 17, for exported models: training unrolls the steps (layer/recurrent.ts).
 * `directions` is 1, or 2 for bidirectional, where the backward one comes second.
 */
export interface RecurrentInputs {
  /** [time, batch, signals] */
  readonly x: Value;
  /** [directions, gates · hidden, signals]; gates of GRU: z r h, of LSTM: i o f c. */
  readonly W: Value;
  /** [directions, gates · hidden, hidden] */
  readonly R: Value;
  /** [directions, 2 · gates · hidden]: the input biases, then the recurrent ones. Zeros when left out. */
  readonly B?: Value;
  /** int32 [batch]: steps of each row that count. All when left out. */
  readonly lengths?: Value;
  /** [directions, batch, hidden]; zeros when left out. */
  readonly initialHidden?: Value;
  readonly direction?: 'forward' | 'reverse' | 'bidirectional';
}

export interface LstmInputs extends RecurrentInputs {
  /** [directions, batch, hidden]; zeros when left out. */
  readonly initialCell?: Value;
}

interface Sizes {
  readonly hidden: number;
  /** [time, directions, batch, hidden] */
  readonly sequence: Shape;
  /** [directions, batch, hidden] */
  readonly last: Shape;
}

const sizesOf = (op: string, gates: number, given: LstmInputs): Sizes => {
  const { x, W, R, B, lengths, initialHidden, initialCell, direction = 'forward' } = given;
  for (const value of [x, W, R, B, initialHidden, initialCell])
    if (value !== undefined) requireFloat(op, value);
  requireRank(op, 'x', x, 3);
  requireRank(op, 'R', R, 3);
  const directions = direction === 'bidirectional' ? 2 : 1;
  const hidden = knownDim(op, R.shape, 2);
  const [time, batch, signals] = [dimAt(op, x.shape, 0), dimAt(op, x.shape, 1), dimAt(op, x.shape, 2)];
  const expect = (what: string, value: Value | undefined, shape: readonly Dim[]): void => {
    if (value !== undefined && !sameShape(value.shape, shape))
      throw new GraphError(
        `${op}: ${what} must have shape ${showShape(shape)}, got ${showShape(value.shape)}`,
      );
  };
  expect('W', W, [directions, gates * hidden, signals]);
  expect('R', R, [directions, gates * hidden, hidden]);
  expect('B', B, [directions, 2 * gates * hidden]);
  expect('lengths', lengths, [batch]);
  const last = [directions, batch, hidden];
  expect('initialHidden', initialHidden, last);
  expect('initialCell', initialCell, last);
  return { hidden, last, sequence: [time, ...last] };
};

const attributesOf = (hidden: number, direction: string): Record<string, Attribute> => ({
  hidden_size: { type: 'int', value: hidden },
  direction: { type: 'string', value: direction },
});

const known = (op: string, values: readonly Value[], index: number): Value => {
  const value = values[index];
  if (value === undefined) throw new GraphError(`${op} has no result ${index}`);
  return value;
};

/**
 * Gated recurrent unit (Cho et al. 2014) in the form with linear_before_reset = 1, which is that of Keras, PyTorch and
 * cuDNN: h~ = tanh(x·Wh + bWh + r ∘ (h·Rh + bRh)); h' = (1 - z) ∘ h~ + z ∘ h.
 */
export const GRU = (given: RecurrentInputs): { readonly sequence: Value; readonly hidden: Value } => {
  const { x, W, R, B, lengths, initialHidden, direction = 'forward' } = given;
  const { hidden, sequence, last } = sizesOf('GRU', 3, given);
  const results = node(
    'GRU',
    [x, W, R, B, lengths, initialHidden],
    [sequence, last].map((shape) => ({ dtype: x.dtype, shape })),
    { ...attributesOf(hidden, direction), linear_before_reset: { type: 'int', value: 1 } },
  );
  return { sequence: known('GRU', results, 0), hidden: known('GRU', results, 1) };
};

/** Long short-term memory (Hochreiter & Schmidhuber 1997, with forget gate, without peepholes). */
export const LSTM = (
  given: LstmInputs,
): { readonly sequence: Value; readonly hidden: Value; readonly cell: Value } => {
  const { x, W, R, B, lengths, initialHidden, initialCell, direction = 'forward' } = given;
  const { hidden, sequence, last } = sizesOf('LSTM', 4, given);
  const results = node(
    'LSTM',
    [x, W, R, B, lengths, initialHidden, initialCell],
    [sequence, last, last].map((shape) => ({ dtype: x.dtype, shape })),
    attributesOf(hidden, direction),
  );
  return {
    sequence: known('LSTM', results, 0),
    hidden: known('LSTM', results, 1),
    cell: known('LSTM', results, 2),
  };
};
