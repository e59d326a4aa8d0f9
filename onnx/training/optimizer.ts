import * as op from '../op';
import type { Value } from '../value';

/** How parameters move along their gradients. State («slots») has the parameters' shape and starts at zero. */
export interface Optimizer {
  readonly slots: readonly string[];
  /** Names of the numbers that change with the step; they are computed outside and fed. */
  readonly coefficients: readonly string[];
  /** @param step from 1 */
  coefficientsAt(step: number, learningRate: number): readonly number[];
  update(now: {
    readonly parameters: Value;
    readonly gradients: Value;
    readonly slots: readonly Value[];
    readonly coefficients: readonly Value[];
  }): { readonly parameters: Value; readonly slots: readonly Value[] };
}

export interface AdamOptions {
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
}

const pick = (values: readonly Value[], index: number): Value => {
  const value = values[index];
  if (value === undefined) throw new RangeError(`optimizer input ${index} is missing`);
  return value;
};

/**
 * Adam (Kingma & Ba 2015, Algorithm 1) with the defaults of Keras and TensorFlow.js. The constants are folded so that
 * ten passes over the parameters remain: the slots hold m / (1 - beta1) and v / (1 - beta2), and both bias
 * corrections stand in the rate and epsilon of the step.
 */
export const adam = ({ beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7 }: AdamOptions = {}): Optimizer => ({
  slots: ['m', 'v'],
  coefficients: ['rate', 'epsilon'],
  coefficientsAt(step, learningRate) {
    const correction = Math.sqrt((1 - beta2 ** step) / (1 - beta2));
    return [(learningRate * correction * (1 - beta1)) / (1 - beta1 ** step), epsilon * correction];
  },
  update({ parameters, gradients, slots, coefficients }) {
    const m = op.Add(op.Mul(pick(slots, 0), beta1), gradients);
    const v = op.Add(op.Mul(pick(slots, 1), beta2), op.Mul(gradients, gradients));
    const direction = op.Div(m, op.Add(op.Sqrt(v), pick(coefficients, 1)));
    return { parameters: op.Sub(parameters, op.Mul(direction, pick(coefficients, 0))), slots: [m, v] };
  },
});

export interface SgdOptions {
  readonly momentum?: number;
}

/** Stochastic gradient descent, with momentum as TensorFlow defines it: a = momentum · a + g; p -= rate · a. */
export const sgd = ({ momentum = 0 }: SgdOptions = {}): Optimizer => ({
  slots: momentum === 0 ? [] : ['momentum'],
  coefficients: ['rate'],
  coefficientsAt: (_step, learningRate) => [learningRate],
  update({ parameters, gradients, slots, coefficients }) {
    const velocity = momentum === 0 ? gradients : op.Add(op.Mul(pick(slots, 0), momentum), gradients);
    return {
      parameters: op.Sub(parameters, op.Mul(velocity, pick(coefficients, 0))),
      slots: momentum === 0 ? [] : [velocity],
    };
  },
});
