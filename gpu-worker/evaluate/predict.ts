/** The trainer's own predictions: the trained graph on prepared features, apart from the sealed file. */
import { input, modelBytes } from '../../onnx';
import { asFloat32, float32, withSession } from '../engine/onnxruntime';
import type { Trained } from '../family/trained';
import { ROWS } from '../prepare/graph';
import { BLOCK_ROWS } from '../prepare/matrix';
import type { FeatureMatrix } from '../prepare/matrix';
import type { Target } from '../prepare/target';

export interface Predicted {
  readonly rows: number;
  /** Regression: [rows] in target units; classification: row-major probabilities [rows, classes]. */
  readonly values: Float32Array;
}

export const predict = async (
  trained: Trained,
  target: Target,
  matrix: FeatureMatrix,
  signal: AbortSignal,
): Promise<Predicted> => {
  const features = input('features', 'float32', [ROWS, matrix.width]);
  const model = modelBytes({
    name: 'trained',
    inputs: [features],
    outputs: { output: trained.output(features) },
  });
  const perRow = target.task === 'classification' ? target.classes.length : 1;
  const values = new Float32Array(matrix.rows * perRow);
  await withSession(model, {}, async (session) => {
    for (let offset = 0; offset < matrix.rows; offset += BLOCK_ROWS) {
      signal.throwIfAborted();
      const rows = Math.min(BLOCK_ROWS, matrix.rows - offset);
      const block = matrix.values.subarray(offset * matrix.width, (offset + rows) * matrix.width);
      const answer = await session.run({ features: float32(block, [rows, matrix.width]) });
      values.set(asFloat32(answer['output']), offset * perRow);
      await new Promise(setImmediate);
    }
  });
  if (target.task === 'regression') {
    for (let i = 0; i < values.length; i++) values[i] = (values[i] ?? NaN) * target.deviation + target.mean;
  }
  return { rows: matrix.rows, values };
};
