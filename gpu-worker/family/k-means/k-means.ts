import { constant, op, tensor } from '../../../onnx';
import type { Value } from '../../../onnx';
import type { KMeansSpec } from '../../../contracts';
import { scaledBy } from '../../prepare/encoding';
import type { UnsupervisedTarget } from '../../prepare/target';
import type { Family } from '../family';
import { onFeatures } from '../trained';
import { bestCenters, mostClusters, sampled } from './choose-clusters';
import { kMeans } from './lloyd';
import type { Centers } from './lloyd';

export const kMeansFamily: Family<KMeansSpec, UnsupervisedTarget> = {
  tasks: ['clustering'],
  validationFraction: () => 0,
  train: async (spec, data, { seed, signal, progress }) => {
    const { preparation, training } = await data.prepared(scaledBy(spec));
    const matrix = sampled(training.features, seed);
    const { restarts } = spec;
    const counts =
      spec.clusters === 'auto'
        ? Array.from({ length: mostClusters(matrix.rows) - 1 }, (_, at) => at + 2)
        : [Math.min(spec.clusters, matrix.rows)];
    const candidates: Centers[] = [];
    for (const count of counts) {
      candidates.push(await kMeans(matrix, count, { restarts, seed, signal }));
      progress(candidates.length / counts.length, [], `${count} groups`);
    }
    const [only] = candidates;
    const centers =
      only !== undefined && counts.length === 1 ? only : await bestCenters(matrix, candidates, seed, signal);
    return onFeatures(data, preparation, {
      spec,
      output: (features) => memberships(features, centers),
      history: [],
    });
  },
};

/**
 * [rows, groups]: how likely each group is where all are balls of the width that the training rows have around their
 * centers. The likeliest is the nearest.
 */
const memberships = (features: Value, { count, values, inertia }: Centers): Value => {
  const width = values.length / count;
  const centers = constant(tensor('float32', Float32Array.from(values), [count, width]));
  const squares = Float32Array.from({ length: count }, (_, k) =>
    values.subarray(k * width, (k + 1) * width).reduce((sum, value) => sum + value * value, 0),
  );
  // |x - c|² without |x|², which all groups share.
  const distances = op.Gemm(features, centers, constant(tensor('float32', squares)), {
    transB: true,
    alpha: -2,
  });
  return op.Softmax(op.Mul(distances, -width / (2 * Math.max(inertia, 1e-9))), 1);
};
