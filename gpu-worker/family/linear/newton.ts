import type { LinearLoss, LinearWeights } from './loss';

const MOST_STEPS = 50;
const MOST_DIRECTIONS = 100;
const MOST_HALVINGS = 12;
/** Of the steepness without weights; single precision within a block reaches little more. */
const TOLERANCE = 1e-6;
/** What a step must gain of what its slope promises (Armijo 1966). */
const SUFFICIENT = 1e-4;

/**
 * The one minimum of loss + l2/2 |w|², intercepts free, from `start`; `steep` is the `steepness` of the loss: Newton's method, each step by conjugate gradients on
 * the curvature until it is good enough for a step that far from the end (Nocedal and Wright 2006, algorithm 7.1).
 */
export const newton = async (
  loss: LinearLoss,
  l2: number,
  { start, steep }: { readonly start: LinearWeights; readonly steep: number },
): Promise<LinearWeights> => {
  const penalised = loss.width * loss.outputs;
  const penalty = (w: LinearWeights): number =>
    (l2 / 2) * dot(w.subarray(0, penalised), w.subarray(0, penalised));
  const at = async (w: LinearWeights): Promise<{ value: number; gradient: Float64Array }> => {
    const { loss: value, gradient } = await loss.gradient(w);
    for (let i = 0; i < penalised; i++) gradient[i] += l2 * w[i];
    return { value: value + penalty(w), gradient };
  };
  let weights = start;
  let here = await at(weights);
  for (let step = 0; step < MOST_STEPS; step++) {
    const left = norm(here.gradient);
    if (!(left > TOLERANCE * steep)) break;
    const accuracy = Math.min(0.5, Math.sqrt(left / steep)) * left;
    const direction = await conjugateGradients(loss, l2, penalised, here.gradient, accuracy);
    const slope = dot(here.gradient, direction);
    let length = 1;
    let next: typeof here | undefined;
    for (let halving = 0; halving < MOST_HALVINGS && next === undefined; halving++) {
      const moved = await at(plus(weights, direction, length));
      if (moved.value <= here.value + SUFFICIENT * length * slope) next = moved;
      else length /= 2;
    }
    // No shorter step gains anything: what is left is rounding.
    if (next === undefined) break;
    weights = plus(weights, direction, length);
    here = next;
  }
  return weights;
};

/** How steep the loss is without any weights. */
export const steepness = async (loss: LinearLoss): Promise<number> =>
  norm((await loss.gradient(new Float64Array(loss.size))).gradient);

const conjugateGradients = async (
  loss: LinearLoss,
  l2: number,
  penalised: number,
  gradient: Float64Array,
  accuracy: number,
): Promise<Float64Array> => {
  const direction = new Float64Array(gradient.length);
  let residual = gradient.map((value) => -value);
  let search: Float64Array = residual.slice();
  let squares = dot(residual, residual);
  for (let i = 0; i < MOST_DIRECTIONS && Math.sqrt(squares) > accuracy; i++) {
    const bent = await loss.curvature(search);
    for (let k = 0; k < penalised; k++) bent[k] += l2 * search[k];
    const curvature = dot(search, bent);
    if (!(curvature > 0)) break;
    const length = squares / curvature;
    direction.set(plus(direction, search, length));
    residual = plus(residual, bent, -length);
    const after = dot(residual, residual);
    search = plus(residual, search, after / squares);
    squares = after;
  }
  return direction;
};

const dot = (a: Float64Array, b: Float64Array): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
};

const norm = (a: Float64Array): number => Math.sqrt(dot(a, a));

const plus = (a: Float64Array, b: Float64Array, times: number): Float64Array<ArrayBuffer> =>
  Float64Array.from(a, (value, i) => value + times * b[i]);
