import { constant, op, tensor } from '../../../onnx';
import type { LinearSpec } from '../../../contracts';
import type { Prepared, TrainingContext, TrainingData } from '../data';
import { onFeatures } from '../trained';
import type { Trained } from '../trained';
import { normalEquations, solveRidge } from './normal-equations';

/** Ridge regression in closed form: the one minimum of |y - Xw|² + l2 |w|² on standardised features. */
export const trainRidge = async (
  spec: LinearSpec,
  data: TrainingData,
  prepared: Prepared,
  context: TrainingContext,
): Promise<Trained> => {
  const { features, targets } = prepared.training;
  const weights = solveRidge(await normalEquations(features, targets, context.signal), spec.l2);
  context.progress(1, []);
  const { width } = features;
  const slope = tensor('float32', Float32Array.from(weights.subarray(0, width)), [width, 1]);
  const intercept = tensor('float32', Float32Array.of(weights[width] ?? 0), [1]);
  return onFeatures(data, prepared.preparation, {
    spec,
    output: (x) => op.Gemm(x, constant(slope), constant(intercept)),
    history: [],
  });
};
