/** The loss of linear models over a matrix, its gradient and its curvature, each one pass over blocks of rows. */
import { input, modelBytes, op } from '../../../onnx';
import type { Value } from '../../../onnx';
import { inBlocks } from '../../engine/in-blocks';
import { asFloat32, float32, openSession } from '../../engine/onnxruntime';
import type { Session, Tensor } from '../../engine/onnxruntime';
import { matrixTensor } from '../../prepare/matrix';
import type { Examples } from '../data';

/**
 * `squared`: half the squared error. `binary`: minus the log likelihood of one logit. `softmax`: that of one logit a class,
 * of which `outputs` are. Summed over the rows.
 */
export interface LossShape {
  readonly kind: 'squared' | 'binary' | 'softmax';
  readonly outputs: number;
}

/** Weights are row-major [width + 1, outputs], the intercepts last. */
export type LinearWeights = Float64Array;

export class LinearLoss {
  private readonly state: Float32Array;

  private constructor(
    private readonly examples: Examples,
    private readonly shape: LossShape,
    private readonly slope: Session,
    private readonly bend: Session,
    private readonly signal: AbortSignal,
  ) {
    this.state = new Float32Array(examples.features.rows * shape.outputs);
  }

  /** To be closed by the caller; see `withLoss`. */
  static async open(examples: Examples, shape: LossShape, signal: AbortSignal): Promise<LinearLoss> {
    const { width } = examples.features;
    const slope = await openSession(gradientGraph(shape, width));
    try {
      return new LinearLoss(examples, shape, slope, await openSession(curvatureGraph(shape, width)), signal);
    } catch (error) {
      await slope.close();
      throw error;
    }
  }

  /** At the last `gradient`: what the logits mean, row-major [rows, outputs]. */
  get probabilities(): Float32Array {
    return this.state;
  }

  get outputs(): number {
    return this.shape.outputs;
  }

  get rows(): number {
    return this.examples.features.rows;
  }

  get width(): number {
    return this.examples.features.width;
  }

  get size(): number {
    return (this.width + 1) * this.shape.outputs;
  }

  /** The loss and its gradient at `weights`; `curvature` is that of the last call. */
  async gradient(weights: LinearWeights): Promise<{ loss: number; gradient: Float64Array }> {
    const gradient = new Float64Array(this.size);
    const fed = this.fed(weights);
    let loss = 0;
    await this.blocks(async (features, from, to) => {
      const targets = float32(this.examples.targets.subarray(from, to), [to - from, 1]);
      const answer = await this.slope.run({ features, targets, ...fed });
      loss += asFloat32(answer['loss'])[0];
      this.state.set(asFloat32(answer['state']), from * this.shape.outputs);
      this.add(gradient, answer);
    });
    return { loss, gradient };
  }

  /** Hessian times `direction`. */
  async curvature(direction: LinearWeights): Promise<Float64Array> {
    const product = new Float64Array(this.size);
    const fed = this.fed(direction);
    await this.blocks(async (features, from, to) => {
      const { outputs } = this.shape;
      const part = this.state.subarray(from * outputs, to * outputs);
      const feeds = { features, ...fed };
      const state = float32(part, [to - from, outputs]);
      this.add(product, await this.bend.run(this.shape.kind === 'squared' ? feeds : { ...feeds, state }));
    });
    return product;
  }

  async close(): Promise<void> {
    await this.slope.close();
    await this.bend.close();
  }

  private fed(weights: LinearWeights): { kernel: Tensor; bias: Tensor } {
    const { width } = this;
    const { outputs } = this.shape;
    return {
      kernel: float32(Float32Array.from(weights.subarray(0, width * outputs)), [width, outputs]),
      bias: float32(Float32Array.from(weights.subarray(width * outputs)), [outputs]),
    };
  }

  /** Blocks are summed in double: float32 within a block of rows, never across them. */
  private add(sum: Float64Array, answer: Record<string, Tensor>): void {
    const [kernel, bias] = [asFloat32(answer['kernelSum']), asFloat32(answer['biasSum'])];
    for (let i = 0; i < kernel.length; i++) sum[i] += kernel[i];
    for (let i = 0; i < bias.length; i++) sum[kernel.length + i] += bias[i];
  }

  private blocks(use: (features: Tensor, from: number, to: number) => Promise<void>): Promise<void> {
    return inBlocks(this.rows, this.signal, (from, to) =>
      use(matrixTensor(this.examples.features, from, to), from, to),
    );
  }
}

/** Opens, uses and closes. */
export const withLoss = async <T>(
  examples: Examples,
  shape: LossShape,
  signal: AbortSignal,
  use: (loss: LinearLoss) => Promise<T>,
): Promise<T> => {
  const loss = await LinearLoss.open(examples, shape, signal);
  try {
    return await use(loss);
  } finally {
    await loss.close();
  }
};

const gradientGraph = ({ kind, outputs }: LossShape, width: number): Uint8Array => {
  const features = input('features', 'float32', ['rows', width]);
  const targets = input('targets', 'float32', ['rows', 1]);
  const kernel = input('kernel', 'float32', [width, outputs]);
  const bias = input('bias', 'float32', [outputs]);
  const logits = op.Gemm(features, kernel, bias);
  const sum = (value: Value): Value => op.ReduceSum(value, { axes: [0, 1] });
  const made = (loss: Value, state: Value, residual: Value): Uint8Array =>
    modelBytes({
      name: 'gradient',
      inputs: [features, targets, kernel, bias],
      outputs: { loss, state, ...sums(features, residual) },
    });
  switch (kind) {
    case 'squared': {
      const residual = op.Sub(logits, targets);
      return made(op.Mul(sum(op.Mul(residual, residual)), 0.5), logits, residual);
    }
    case 'binary': {
      const state = op.Sigmoid(logits);
      // ln(1 + e^z) - y z without overflow.
      const loss = op.Sub(
        op.Add(op.Max(logits, 0), op.Log(op.Add(op.Exp(op.Neg(op.Abs(logits))), 1))),
        op.Mul(targets, logits),
      );
      return made(sum(loss), state, op.Sub(state, targets));
    }
    case 'softmax': {
      const state = op.Softmax(logits);
      const truth = op.OneHot(op.Squeeze(op.Cast(targets, 'int64'), [1]), outputs);
      const loss = op.Neg(sum(op.Mul(op.LogSoftmax(logits), truth)));
      return made(loss, state, op.Sub(state, truth));
    }
  }
};

const curvatureGraph = ({ kind, outputs }: LossShape, width: number): Uint8Array => {
  const features = input('features', 'float32', ['rows', width]);
  const state = input('state', 'float32', ['rows', outputs]);
  const kernel = input('kernel', 'float32', [width, outputs]);
  const bias = input('bias', 'float32', [outputs]);
  const moved = op.Gemm(features, kernel, bias);
  const bent = (): Value => {
    switch (kind) {
      case 'squared':
        return moved;
      case 'binary':
        return op.Mul(op.Mul(state, op.Sub(1, state)), moved);
      case 'softmax': {
        const mean = op.ReduceSum(op.Mul(state, moved), { axes: [1], keepDims: true });
        return op.Mul(state, op.Sub(moved, mean));
      }
    }
  };
  const inputs = kind === 'squared' ? [features, kernel, bias] : [features, state, kernel, bias];
  return modelBytes({ name: 'curvature', inputs, outputs: sums(features, bent()) });
};

const sums = (features: Value, residual: Value): Record<string, Value> => ({
  kernelSum: op.Gemm(features, residual, undefined, { transA: true }),
  biasSum: op.ReduceSum(residual, { axes: [0] }),
});
