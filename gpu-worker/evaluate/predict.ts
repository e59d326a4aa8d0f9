/** The trainer's own predictions, apart from the sealed file. */
import { input, modelBytes } from '../../onnx';
import type { Value } from '../../onnx';
import { outputInBlocks } from '../engine/in-blocks';
import { ROWS } from '../prepare/graph';
import { matrixTensor } from '../prepare/matrix';
import type { FeatureMatrix } from '../prepare/matrix';
import type { Target } from '../prepare/target';

export interface Predicted {
  readonly rows: number;
  /** Regression: [rows] in target units; classification: row-major probabilities [rows, classes]. */
  readonly values: Float32Array;
}

/** Runs the trained graph on prepared features: [rows, width] row-major, as the graph gives them. */
export const predictFeatures = async (
  output: (features: Value) => Value,
  matrix: FeatureMatrix,
  signal: AbortSignal,
): Promise<Float32Array> => {
  const features = input('features', 'float32', [ROWS, matrix.width]);
  const model = modelBytes({ name: 'trained', inputs: [features], outputs: { output: output(features) } });
  return outputInBlocks(
    model,
    matrix.rows,
    (from, to) => ({ features: matrixTensor(matrix, from, to) }),
    signal,
  );
};

/** From what a model puts out to the user's terms: a regression in target units, anything else as it is. */
export const predictedOf = (outputs: Float32Array, target: Target, rows: number): Predicted => ({
  rows,
  values:
    target.task === 'regression' ? outputs.map((value) => value * target.deviation + target.mean) : outputs,
});
