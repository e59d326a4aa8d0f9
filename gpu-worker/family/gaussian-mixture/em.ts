/** Expectation maximisation in double precision. */
import { Failure } from '../../../contracts';
import type { FeatureMatrix } from '../../prepare/matrix';
import { choleskyFactor, inverseOfFactor } from '../cholesky';
import type { Centers } from '../k-means/lloyd';

export interface Component {
  readonly weight: number;
  readonly mean: Float64Array;
  /**
   * Full: the lower triangular inverse L⁻¹ of the covariance's Cholesky factor, row-major [width, width]; diagonal: one
   * over the standard deviations, [width].
   */
  readonly whitening: Float64Array;
  /** log of the determinant of `whitening`. */
  readonly logDeterminant: number;
}

export interface Mixture {
  readonly width: number;
  readonly covariance: 'full' | 'diagonal';
  readonly components: readonly Component[];
  /** Mean log likelihood of the rows. */
  readonly logLikelihood: number;
  /** Schwarz 1978; lower is better. */
  readonly bic: number;
}

const MOST_ROUNDS = 100;
const TOLERANCE = 1e-4;
/** Added to every variance of the standardised features: a group of equal rows must not become a point. */
const FLOOR = 1e-3;
const ROWS_AT_ONCE = 2_000;

export const fitMixture = async (
  matrix: FeatureMatrix,
  start: Centers,
  covariance: 'full' | 'diagonal',
  signal: AbortSignal,
): Promise<Mixture> => {
  const { rows, width, values } = matrix;
  const count = start.count;
  let components: Component[] = Array.from({ length: count }, (_, k) =>
    componentOf(
      1 / count,
      start.values.slice(k * width, (k + 1) * width),
      isotropic(width, covariance, Math.max(start.inertia / width, FLOOR)),
      width,
      covariance,
    ),
  );
  const shares = new Float64Array(rows * count);
  let before = -Infinity;
  for (let round = 0; ; round++) {
    const total = await expect(matrix, components, covariance, shares, signal);
    const logLikelihood = total / rows;
    if (!Number.isFinite(logLikelihood))
      throw new Failure('LOSS_NOT_FINITE', 'the mixture lost its likelihood', {
        path: ['spec', 'clusters'],
        hint: 'use fewer clusters, or the covariance diagonal',
      });
    if (round === MOST_ROUNDS || logLikelihood - before < TOLERANCE) {
      const perComponent = covariance === 'full' ? (width * (width + 1)) / 2 : width;
      const parameters = count * (perComponent + width) + count - 1;
      return {
        width,
        covariance,
        components,
        logLikelihood,
        bic: -2 * total + parameters * Math.log(rows),
      };
    }
    before = logLikelihood;
    components = await maximise(values, rows, width, shares, components, covariance, signal);
  }
};

/** Fills `shares` [rows, components]; answers the log likelihood of all rows. */
const expect = async (
  { rows, width, values }: FeatureMatrix,
  components: readonly Component[],
  covariance: Mixture['covariance'],
  shares: Float64Array,
  signal: AbortSignal,
): Promise<number> => {
  const count = components.length;
  const centered = new Float64Array(width);
  const constant = -0.5 * width * Math.log(2 * Math.PI);
  let total = 0;
  for (let row = 0; row < rows; row++) {
    if (row % ROWS_AT_ONCE === 0) {
      signal.throwIfAborted();
      await new Promise(setImmediate);
    }
    let greatest = -Infinity;
    for (let k = 0; k < count; k++) {
      const { weight, mean, whitening, logDeterminant } = components[k];
      for (let j = 0; j < width; j++) centered[j] = values[row * width + j] - mean[j];
      const density =
        Math.log(weight) + constant + logDeterminant - 0.5 * distance(centered, whitening, covariance);
      shares[row * count + k] = density;
      if (density > greatest) greatest = density;
    }
    let sum = 0;
    for (let k = 0; k < count; k++) {
      const share = Math.exp(shares[row * count + k] - greatest);
      shares[row * count + k] = share;
      sum += share;
    }
    for (let k = 0; k < count; k++) shares[row * count + k] /= sum;
    total += greatest + Math.log(sum);
  }
  return total;
};

const distance = (
  centered: Float64Array,
  whitening: Float64Array,
  covariance: Mixture['covariance'],
): number => {
  const width = centered.length;
  let sum = 0;
  for (let i = 0; i < width; i++) {
    let value = 0;
    if (covariance === 'diagonal') value = centered[i] * whitening[i];
    else for (let j = 0; j <= i; j++) value += whitening[i * width + j] * centered[j];
    sum += value * value;
  }
  return sum;
};

const maximise = async (
  values: Float32Array,
  rows: number,
  width: number,
  shares: Float64Array,
  before: readonly Component[],
  covariance: Mixture['covariance'],
  signal: AbortSignal,
): Promise<Component[]> => {
  const count = before.length;
  const next: Component[] = [];
  for (const [k, old] of before.entries()) {
    let size = 0;
    const mean = new Float64Array(width);
    for (let row = 0; row < rows; row++) {
      const share = shares[row * count + k];
      size += share;
      for (let j = 0; j < width; j++) mean[j] += share * values[row * width + j];
    }
    // A component that lost its rows stays where it is, with hardly any weight.
    if (size < 1) {
      next.push({ ...old, weight: Math.max(size, 1e-6) / rows });
      continue;
    }
    for (let j = 0; j < width; j++) mean[j] /= size;
    const spread = await scatter(values, rows, { mean, shares, k, count }, covariance, signal);
    for (let i = 0; i < spread.length; i++) spread[i] /= size;
    const step = covariance === 'full' ? width + 1 : 1;
    for (let i = 0; i < spread.length; i += step) spread[i] += FLOOR;
    next.push(componentOf(size / rows, mean, spread, width, covariance));
  }
  return next;
};

const scatter = async (
  values: Float32Array,
  rows: number,
  of: { mean: Float64Array; shares: Float64Array; k: number; count: number },
  covariance: Mixture['covariance'],
  signal: AbortSignal,
): Promise<Float64Array> => {
  const { mean, shares, k, count } = of;
  const width = mean.length;
  const sums = new Float64Array(covariance === 'full' ? width * width : width);
  const centered = new Float64Array(width);
  for (let row = 0; row < rows; row++) {
    if (row % ROWS_AT_ONCE === 0) {
      signal.throwIfAborted();
      await new Promise(setImmediate);
    }
    const share = shares[row * count + k];
    if (share < 1e-8) continue;
    for (let j = 0; j < width; j++) centered[j] = values[row * width + j] - mean[j];
    for (let i = 0; i < width; i++) {
      const part = share * centered[i];
      if (covariance === 'diagonal') sums[i] += part * centered[i];
      else for (let j = 0; j <= i; j++) sums[i * width + j] += part * centered[j];
    }
  }
  return sums;
};

const isotropic = (width: number, covariance: Mixture['covariance'], variance: number): Float64Array => {
  if (covariance === 'diagonal') return new Float64Array(width).fill(variance);
  const matrix = new Float64Array(width * width);
  for (let i = 0; i < width; i++) matrix[i * width + i] = variance;
  return matrix;
};

/** `spread`: variances, or the lower triangle of the covariance matrix. */
const componentOf = (
  weight: number,
  mean: Float64Array,
  spread: Float64Array,
  width: number,
  covariance: Mixture['covariance'],
): Component => {
  const whitening =
    covariance === 'diagonal'
      ? spread.map((value) => 1 / Math.sqrt(value))
      : inverseOfFactor(choleskyFactor(spread, width, FLOOR), width);
  let logDeterminant = 0;
  const step = covariance === 'full' ? width + 1 : 1;
  for (let i = 0; i < whitening.length; i += step) logDeterminant += Math.log(whitening[i]);
  return { weight, mean, whitening, logDeterminant };
};
