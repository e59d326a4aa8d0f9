import { constant, op, tensor } from '../../../onnx';
import type { Value } from '../../../onnx';
import type { GaussianMixtureSpec } from '../../../contracts';
import { scaledBy } from '../../prepare/encoding';
import type { UnsupervisedTarget } from '../../prepare/target';
import type { Family } from '../family';
import { mostClusters, sampled } from '../k-means/choose-clusters';
import { kMeans } from '../k-means/lloyd';
import { onFeatures } from '../trained';
import { fitMixture } from './em';
import type { Component, Mixture } from './em';

/** Beyond this width a full covariance has more numbers than rows can tell. */
const WIDEST_FULL = 24;
const MOST_ROWS = 20_000;

export const gaussianMixture: Family<GaussianMixtureSpec, UnsupervisedTarget> = {
  tasks: ['clustering'],
  validationFraction: () => 0,
  train: async (spec, data, { seed, signal, progress }) => {
    const { preparation, training } = await data.prepared(scaledBy(spec));
    const matrix = sampled(training.features, seed, MOST_ROWS);
    const covariance =
      spec.covariance !== 'auto' ? spec.covariance : matrix.width <= WIDEST_FULL ? 'full' : 'diagonal';
    const counts =
      spec.clusters === 'auto'
        ? Array.from({ length: mostClusters(matrix.rows) - 1 }, (_, at) => at + 2)
        : [Math.min(spec.clusters, matrix.rows)];
    let best: Mixture | undefined;
    for (const [at, count] of counts.entries()) {
      const start = await kMeans(matrix, count, { restarts: 1, seed, signal });
      const mixture = await fitMixture(matrix, start, covariance, signal);
      if (best === undefined || mixture.bic < best.bic) best = mixture;
      progress((at + 1) / counts.length, [], `${count} groups`);
    }
    const chosen = best;
    if (chosen === undefined) throw new RangeError('a mixture needs a component');
    return onFeatures(data, preparation, {
      spec,
      output: (features) => responsibilities(features, chosen),
      history: [],
    });
  },
};

/** [rows, components]: the posterior probability of each component. In double: densities differ by many powers of e. */
const responsibilities = (features: Value, { width, components, covariance }: Mixture): Value => {
  const x = op.Cast(features, 'float64');
  const densities = components.map((component) => logDensity(x, component, width, covariance));
  return op.Cast(op.Exp(logShares(op.Concat(densities, 1))), 'float32');
};

const logDensity = (
  x: Value,
  { weight, mean, whitening, logDeterminant }: Component,
  width: number,
  covariance: Mixture['covariance'],
): Value => {
  const centered = op.Sub(x, constant(tensor('float64', mean)));
  const white =
    covariance === 'diagonal'
      ? op.Mul(centered, constant(tensor('float64', whitening)))
      : op.MatMul(centered, op.Transpose(constant(tensor('float64', whitening, [width, width]))));
  const distance = op.ReduceSum(op.Mul(white, white), { axes: [1], keepDims: true });
  return op.Sub(Math.log(weight) + logDeterminant, op.Mul(distance, 0.5));
};

/** log(p_k / sum of all p), from log p. */
const logShares = (densities: Value): Value => {
  const top = op.ReduceMax(densities, { axes: [1], keepDims: true });
  const shifted = op.Sub(densities, top);
  return op.Sub(shifted, op.Log(op.ReduceSum(op.Exp(shifted), { axes: [1], keepDims: true })));
};
