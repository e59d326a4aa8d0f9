import * as op from '../op';
import { isFloat } from '../tensor';
import type { Value } from '../value';
import { negative, numberAttribute, numberOf, over, sumTo, times } from './algebra';
import { nothing, type Rule, type Use } from './rule';

/** Applies the chain rule to one operand: local derivative times g, summed over broadcast axes. */
const back = (use: Use, index: number, gradient: () => Value): Value | undefined =>
  use.wants(index) ? sumTo(gradient(), use.y, use.in(index)) : undefined;

const unary =
  (gradient: (use: Use, x: Value) => Value): Rule =>
  (use) => [gradient(use, use.in(0))];

const mask = (condition: Value, like: Value): Value => op.Cast(condition, like.dtype);

/**
 * 1 where a non-negative value is positive, else 0: one vectorised pass, where Sign is a scalar loop in onnxruntime
 * (0.040 against 0.043 ms for the step of an 8-64-64-1 network).
 */
const positive = (y: Value): Value => (y.dtype === 'float32' ? op.HardSigmoid(y, 1e37, 0) : op.Sign(y));

/** Rules for element-wise operators. Where a function has a kink, the choice is that of TensorFlow.js. */
export const elementwiseRules: Record<string, Rule> = {
  Add: (use) => [back(use, 0, () => use.g), back(use, 1, () => use.g)],
  Sub: (use) => [back(use, 0, () => use.g), back(use, 1, () => negative(use.g))],
  Mul: (use) =>
    use.in(0) === use.in(1)
      ? [times(use.in(0), times(use.g, 2))]
      : [back(use, 0, () => times(use.in(1), use.g)), back(use, 1, () => times(use.in(0), use.g))],
  Div: (use) => [
    back(use, 0, () => over(use.g, use.in(1))),
    back(use, 1, () => negative(over(times(use.y, use.g), use.in(1)))),
  ],
  Pow: (use) => [
    back(use, 0, () => {
      const power = numberOf(use.in(1));
      if (power === 2) return times(use.in(0), times(use.g, 2));
      const lower = op.Pow(use.in(0), power === undefined ? op.Sub(use.in(1), 1) : power - 1);
      return times(times(lower, use.in(1)), use.g);
    }),
    back(use, 1, () => times(times(use.y, op.Log(use.in(0))), use.g)),
  ],
  Max: (use) => [
    back(use, 0, () => times(mask(op.GreaterOrEqual(use.in(0), use.in(1)), use.y), use.g)),
    back(use, 1, () => times(mask(op.Less(use.in(0), use.in(1)), use.y), use.g)),
  ],
  Min: (use) => [
    back(use, 0, () => times(mask(op.LessOrEqual(use.in(0), use.in(1)), use.y), use.g)),
    back(use, 1, () => times(mask(op.Greater(use.in(0), use.in(1)), use.y), use.g)),
  ],
  Mod: (use) => [
    back(use, 0, () => use.g),
    back(use, 1, () => {
      const ratio = op.Div(use.in(0), use.in(1));
      return negative(times(times(op.Sign(ratio), op.Floor(op.Abs(ratio))), use.g));
    }),
  ],
  Where: (use) => [
    undefined,
    back(use, 1, () => op.Where(use.in(0), use.g, 0)),
    back(use, 2, () => op.Where(use.in(0), 0, use.g)),
  ],

  Neg: unary(({ g }) => negative(g)),
  Abs: unary(({ g }, x) => times(op.Sign(x), g)),
  Sqrt: unary(({ g, y }) => over(times(g, 0.5), y)),
  Exp: unary(({ g, y }) => times(y, g)),
  Log: unary(({ g }, x) => over(g, x)),
  Erf: unary(({ g }, x) => times(op.Exp(op.Neg(op.Mul(x, x))), times(g, 2 / Math.sqrt(Math.PI)))),
  Sin: unary(({ g }, x) => times(op.Cos(x), g)),
  Cos: unary(({ g }, x) => negative(times(op.Sin(x), g))),
  Tanh: unary(({ g, y }) => times(op.Sub(1, op.Mul(y, y)), g)),
  Sigmoid: unary(({ g, y }) => times(op.Mul(y, op.Sub(1, y)), g)),
  Relu: unary(({ g, y }) => times(positive(y), g)),
  LeakyRelu: unary(({ g, node }, x) => {
    const slope = numberAttribute(node, 'alpha', 0.01);
    return op.Where(op.Greater(x, 0), g, times(g, slope));
  }),
  Elu: unary(({ g, y, node }, x) => {
    const alpha = numberAttribute(node, 'alpha', 1);
    return op.Where(op.Greater(x, 0), g, times(op.Add(y, alpha), g));
  }),
  Softplus: unary(({ g }, x) => times(op.Sigmoid(x), g)),
  HardSigmoid: unary(({ g, y, node }) => {
    const sloped = op.And(op.Greater(y, 0), op.Less(y, 1));
    return times(mask(sloped, y), times(g, numberAttribute(node, 'alpha', 0.2)));
  }),
  Reciprocal: unary(({ g, y }) => negative(times(op.Mul(y, y), g))),
  Identity: unary(({ g }) => g),
  Cast: (use) => [isFloat(use.y.dtype) ? op.Cast(use.g, use.in(0).dtype) : undefined],
  Clip: (use) => {
    const x = use.in(0);
    let inside: Value | undefined;
    if (use.has(1)) inside = op.GreaterOrEqual(x, use.in(1));
    if (use.has(2)) {
      const below = op.LessOrEqual(x, use.in(2));
      inside = inside === undefined ? below : op.And(inside, below);
    }
    return [inside === undefined ? use.g : times(mask(inside, x), use.g)];
  },

  Sign: nothing,
  Floor: nothing,
  Ceil: nothing,
  Round: nothing,
};
