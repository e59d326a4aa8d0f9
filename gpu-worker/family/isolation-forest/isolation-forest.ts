import { op } from '../../../onnx';
import type { IsolationForestSpec } from '../../../contracts';
import { RAW } from '../../prepare/encoding';
import type { UnsupervisedTarget } from '../../prepare/target';
import type { Family } from '../family';
import { onFeatures } from '../trained';
import { growIsolationTrees, meanPath } from './grow';

export const isolationForest: Family<IsolationForestSpec, UnsupervisedTarget> = {
  tasks: ['anomaly'],
  // Trees see few rows each and miss none of these; where they are enough, they say what an ordinary score is.
  validationFraction: () => 0.1,
  train: async (spec, data, { seed, progress }) => {
    const { preparation, training } = await data.prepared(RAW);
    const sample = Math.min(spec.sample, training.features.rows);
    const trees = growIsolationTrees(training.features, { trees: spec.trees, sample, seed });
    progress(1, []);
    // 2^(-E[path] / c): near 1 for what is set apart at once, 0.5 for what is not.
    const exponent = -Math.LN2 / meanPath(sample);
    return onFeatures(data, preparation, {
      spec,
      output: (features) => op.Exp(op.Mul(op.TreeEnsembleRegressor(features, trees, 1), exponent)),
      history: [],
    });
  },
};
