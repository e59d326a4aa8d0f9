/** Validation during training: the forward pass alone, weights as inputs, so that one session serves every epoch. */
import { input, modelBytes } from '../../../onnx';
import type { Weights } from '../../../onnx';
import { asFloat32, float32, openSession } from '../../engine/onnxruntime';
import type { Session, Tensor } from '../../engine/onnxruntime';
import type { FeatureMatrix } from '../../prepare/matrix';
import { forward, networkParameters } from './network';
import type { NetworkShape } from './network';

const BLOCK_ROWS = 8192;

export class Evaluator {
  private constructor(
    private readonly session: Session,
    private readonly shape: NetworkShape,
  ) {}

  static async open(shape: NetworkShape): Promise<Evaluator> {
    const features = input('features', 'float32', ['rows', shape.inputs]);
    const weights = Object.fromEntries(
      Object.entries(networkParameters(shape)).map(([name, dims]) => [name, input(name, 'float32', dims)]),
    );
    const outputs = forward(shape, weights, features);
    const inputs = [features, ...Object.values(weights)];
    return new Evaluator(
      await openSession(modelBytes({ name: 'validation', inputs, outputs: { outputs } })),
      shape,
    );
  }

  /** Row-major [rows, outputs] before any softmax. */
  async outputs(matrix: FeatureMatrix, weights: Weights): Promise<Float32Array> {
    const parameters = Object.entries(networkParameters(this.shape)).map(([name, dims]): [string, Tensor] => [
      name,
      float32(weights[name] ?? new Float32Array(0), dims),
    ]);
    const fed = Object.fromEntries(parameters);
    const all = new Float32Array(matrix.rows * this.shape.outputs);
    for (let offset = 0; offset < matrix.rows; offset += BLOCK_ROWS) {
      const rows = Math.min(BLOCK_ROWS, matrix.rows - offset);
      const block = matrix.values.subarray(offset * matrix.width, (offset + rows) * matrix.width);
      const answer = await this.session.run({ features: float32(block, [rows, matrix.width]), ...fed });
      all.set(asFloat32(answer['outputs']), offset * this.shape.outputs);
    }
    return all;
  }

  close(): Promise<void> {
    return this.session.close();
  }
}
