/**
 * Mixed precision (Micikevicius et al., «Mixed Precision Training», 2018): products of matrices and convolutions, in the forward
 * pass and in the gradients, take and give float16. Weights, optimizer, sums, losses and all between stay float32.
 */
import { GraphError } from '../errors';
import * as op from '../op';
import { input, node, nodesBehind, type Node, type Value } from '../value';
import type { StepUpdate } from './step';

/** What the loss is multiplied by before it is differentiated, and the good steps since that last changed. */
const SCALING = ['scaling/scale', 'scaling/good'];
const FIRST_SCALE = 2 ** 16;
const [LOWEST_SCALE, HIGHEST_SCALE] = [2 ** -14, 2 ** 24];
/** Steps without an overflow after which a larger scale is tried. */
const GOOD_STEPS = 2000;
const LARGEST_FLOAT32 = 3.4e38;

export const scalingInputs = (): Value[] => SCALING.map((name) => input(name, 'float32', [1, 1]));
export const scalingStart = (): Float32Array[] => [Float32Array.of(FIRST_SCALE), new Float32Array(1)];

/**
 * A step in mixed precision. Small gradients would be zero in float16, so those of the loss times a scale are computed. One
 * that overflows leaves everything as it was and halves the scale; many good steps double it.
 * The state ends with the two values of `scalingInputs`.
 */
export const mixedUpdate: StepUpdate = (step, carried, slopesOf) => {
  const [scale, good] = carried.slice(-SCALING.length);
  if (scale === undefined || good === undefined) throw new GraphError('mixed precision: no scale is carried');
  const scaled = slopesOf(op.Mul(step.loss, op.Reshape(scale, [])));
  const products = nodesBehind([step.loss, ...scaled]);
  const slopes = scaled.map((slope) => op.Div(slope, scale));
  const { state, loss } = step.update(slopes);
  const size = slopes.map((slope) => op.ReduceSum(op.Abs(slope))).reduce((sum, part) => op.Add(sum, part));
  const finite = op.Less(size, LARGEST_FLOAT32); // not where it is no number
  const counted = op.Where(finite, op.Add(good, 1), 0);
  const proven = op.GreaterOrEqual(counted, GOOD_STEPS);
  const factor = op.Where(finite, op.Where(proven, 2, 1), 0.5);
  const next = [
    ...state.map((value, at) => op.Where(finite, value, carried[at] ?? value)),
    op.Clip(op.Mul(scale, factor), LOWEST_SCALE, HIGHEST_SCALE),
    op.Where(proven, 0, counted),
  ];
  const all = inHalf([...next, loss, ...Object.values(step.metrics)], products);
  return { state: all.slice(0, next.length), reports: all.slice(next.length) };
};

const PRODUCTS: ReadonlySet<string> = new Set(['MatMul', 'Gemm', 'Conv']);

/** A product with a constant is a sum or a mean: see `axisSums` of the gradients. */
const isProduct = ({ op: name, inputs }: Node): boolean =>
  PRODUCTS.has(name) && inputs.every((operand) => operand?.origin.kind !== 'constant');

/** The same values, computed with the products among `among` in float16. */
const inHalf = (values: readonly Value[], among: ReadonlySet<Node>): Value[] => {
  const made = new Map<Value, Value>();
  const anew = (value: Value): Value => made.get(value) ?? value;
  const half = (value: Value): Value => op.Cast(value, 'float16');
  for (const old of [...nodesBehind(values)].sort((a, b) => a.id - b.id)) {
    const halved = among.has(old) && isProduct(old);
    const inputs = old.inputs.map((operand) => operand && (halved ? half(anew(operand)) : anew(operand)));
    if (inputs.every((operand, at) => operand === old.inputs[at])) continue;
    const types = old.outputs.map(
      ({ dtype, shape }) => ({ dtype: halved ? 'float16' : dtype, shape }) as const,
    );
    node(old.op, inputs, types, old.attributes, old.domain).forEach((output, at) => {
      const was = old.outputs[at];
      if (was !== undefined) made.set(was, op.Cast(output, was.dtype));
    });
  }
  return values.map(anew);
};
