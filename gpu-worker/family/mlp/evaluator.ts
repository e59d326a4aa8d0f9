/** Validation during training: the forward pass alone, weights as inputs, so that one session serves every epoch. */
import { input, modelBytes, op } from '../../../onnx';
import { asFloat32, float32, openSession } from '../../engine/onnxruntime';
import type { Session } from '../../engine/onnxruntime';
import type { FeatureMatrix } from '../../prepare/matrix';
import { forward, weightShapes } from './network';
import type { NetworkShape } from './network';

const BLOCK_ROWS = 8192;

export class Evaluator {
  private constructor(
    private readonly session: Session,
    private readonly shape: NetworkShape,
  ) {}

  static async open(shape: NetworkShape): Promise<Evaluator> {
    const shapes = weightShapes(shape);
    const lengths = shapes.map((dims) => dims.reduce((product, dim) => product * dim, 1));
    const total = lengths.reduce((sum, length) => sum + length, 0);
    const features = input('features', 'float32', ['rows', shape.inputs]);
    const weights = input('weights', 'float32', [total]);
    const parts = op.Split(weights, lengths, 0).map((part, i) => op.Reshape(part, shapes[i] ?? []));
    const model = modelBytes({
      name: 'validation',
      inputs: [features, weights],
      outputs: { outputs: forward(shape, parts, features) },
    });
    return new Evaluator(await openSession(model), shape);
  }

  /** Row-major [rows, outputs] before any softmax. */
  async outputs(matrix: FeatureMatrix, weights: Float32Array): Promise<Float32Array> {
    const all = new Float32Array(matrix.rows * this.shape.outputs);
    for (let offset = 0; offset < matrix.rows; offset += BLOCK_ROWS) {
      const rows = Math.min(BLOCK_ROWS, matrix.rows - offset);
      const block = matrix.values.subarray(offset * matrix.width, (offset + rows) * matrix.width);
      const answer = await this.session.run({
        features: float32(block, [rows, matrix.width]),
        weights: float32(weights, [weights.length]),
      });
      all.set(asFloat32(answer['outputs']), offset * this.shape.outputs);
    }
    return all;
  }

  close(): Promise<void> {
    return this.session.close();
  }
}
