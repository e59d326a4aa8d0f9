import * as op from '../op';
import { countOf, tensor } from '../tensor';
import { constant, type Value } from '../value';
import type { Group } from './layout';

/** How parameters move along their gradients. All are rows [1, n], coefficients [1, 1]; state («slots») starts at zero. */
export interface Optimizer {
  readonly slots: readonly string[];
  /** Names of the numbers that change with the step; they are computed outside and fed. Rates are negative: a step adds. */
  readonly coefficients: readonly string[];
  /** @param step from 1 */
  coefficientsAt(step: number, learningRate: number): readonly number[];
  update(now: {
    readonly parameters: Value;
    readonly gradients: Value;
    readonly slots: readonly Value[];
    readonly coefficients: readonly Value[];
    /** Which parameters the tensors hold. */
    readonly group: Group;
  }): { readonly parameters: Value; readonly slots: readonly Value[] };
}

/**
 * factor · x + y for rows [1, n], as a product of matrices: one pass over the rows on kernels that use the whole width of
 * the processor's vectors, where Mul and Add are two and use a quarter of it.
 */
const scaledSum = (factor: number | Value, x: Value, y: Value): Value =>
  op.Gemm(typeof factor === 'number' ? constant(tensor('float32', [factor], [1, 1])) : factor, x, y);

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
 * seven passes over the parameters remain: the slots hold m / (1 - beta1) and v / (1 - beta2), and both bias
 * corrections stand in the rate and epsilon of the step.
 */
export const adam = ({ beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7 }: AdamOptions = {}): Optimizer => ({
  slots: ['m', 'v'],
  coefficients: ['rate', 'epsilon'],
  coefficientsAt(step, learningRate) {
    const correction = Math.sqrt((1 - beta2 ** step) / (1 - beta2));
    return [(-learningRate * correction * (1 - beta1)) / (1 - beta1 ** step), epsilon * correction];
  },
  update({ parameters, gradients, slots, coefficients }) {
    const m = scaledSum(beta1, pick(slots, 0), gradients);
    const v = scaledSum(beta2, pick(slots, 1), op.Mul(gradients, gradients));
    const direction = op.Div(m, op.Add(op.Sqrt(v), pick(coefficients, 1)));
    return { parameters: scaledSum(pick(coefficients, 0), direction, parameters), slots: [m, v] };
  },
});

export interface AdamWOptions extends AdamOptions {
  /** Share of a weight that a step at learning rate 1 takes away; 0.01 is PyTorch's default. */
  readonly weightDecay?: number;
  /** Which parameters decay. Left out: all but vectors, so that biases and normalisation scales stay free. */
  readonly decays?: (parameter: { readonly name: string; readonly dims: readonly number[] }) => boolean;
}

/** Adam with decoupled weight decay (Loshchilov & Hutter 2019, Algorithm 2): w also loses rate · decay · w a step. */
export const adamW = ({
  weightDecay = 0.01,
  decays = ({ dims }) => dims.length > 1,
  ...options
}: AdamWOptions = {}): Optimizer => {
  const inner = adam(options);
  return {
    slots: inner.slots,
    coefficients: [...inner.coefficients, 'decay'],
    coefficientsAt: (step, learningRate) => [
      ...inner.coefficientsAt(step, learningRate),
      -learningRate * weightDecay,
    ],
    update(now) {
      const next = inner.update(now);
      const lost = decayed(now.group, decays, now.parameters);
      if (lost === undefined) return next;
      return {
        ...next,
        parameters: scaledSum(pick(now.coefficients, inner.coefficients.length), lost, next.parameters),
      };
    },
  };
};

/** The parameters of a group with zeros where they do not decay; undefined where none does. */
const decayed = (
  { members, dims }: Group,
  decays: NonNullable<AdamWOptions['decays']>,
  parameters: Value,
): Value | undefined => {
  const chosen = members.filter(decays);
  if (chosen.length === 0) return undefined;
  if (chosen.length === members.length) return parameters;
  const mask = new Float32Array(countOf(dims));
  for (const { offset, count } of chosen) mask.fill(1, offset, offset + count);
  return op.Mul(parameters, constant(tensor('float32', mask, dims)));
};

export interface SgdOptions {
  readonly momentum?: number;
}

/** Stochastic gradient descent, with momentum as TensorFlow defines it: a = momentum · a + g; p -= rate · a. */
export const sgd = ({ momentum = 0 }: SgdOptions = {}): Optimizer => ({
  slots: momentum === 0 ? [] : ['momentum'],
  coefficients: ['rate'],
  coefficientsAt: (_step, learningRate) => [-learningRate],
  update({ parameters, gradients, slots, coefficients }) {
    const velocity = momentum === 0 ? gradients : scaledSum(momentum, pick(slots, 0), gradients);
    return {
      parameters: scaledSum(pick(coefficients, 0), velocity, parameters),
      slots: momentum === 0 ? [] : [velocity],
    };
  },
});
