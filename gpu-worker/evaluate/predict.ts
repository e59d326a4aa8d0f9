/** The trainer's own predictions, apart from the sealed file. */
import { input, modelBytes } from '../../onnx';
import type { Value } from '../../onnx';
import { asFloat32, float32, withSession } from '../engine/onnxruntime';
import { ROWS } from '../prepare/graph';
import { BLOCK_ROWS } from '../prepare/matrix';
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
  const blocks: Float32Array[] = [];
  await withSession(model, {}, async (session) => {
    for (let offset = 0; offset < matrix.rows; offset += BLOCK_ROWS) {
      signal.throwIfAborted();
      const rows = Math.min(BLOCK_ROWS, matrix.rows - offset);
      const block = matrix.values.subarray(offset * matrix.width, (offset + rows) * matrix.width);
      const answer = await session.run({ features: float32(block, [rows, matrix.width]) });
      blocks.push(asFloat32(answer['output']).slice());
      await new Promise(setImmediate);
    }
  });
  const values = new Float32Array(blocks.reduce((length, block) => length + block.length, 0));
  let filled = 0;
  for (const block of blocks) {
    values.set(block, filled);
    filled += block.length;
  }
  return values;
};

/** From what a model puts out to the user's terms: a regression in target units, anything else as it is. */
export const predictedOf = (outputs: Float32Array, target: Target, rows: number): Predicted => ({
  rows,
  values:
    target.task === 'regression' ? outputs.map((value) => value * target.deviation + target.mean) : outputs,
});
