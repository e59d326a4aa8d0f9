import { input, modelBytes, op, scalar } from '../../../onnx';
import { inBlocks } from '../../engine/in-blocks';
import { float32, withSession } from '../../engine/onnxruntime';
import type { Tensor } from '../../engine/onnxruntime';
import { matrixTensor } from '../../prepare/matrix';
import type { FeatureMatrix } from '../../prepare/matrix';
import { choleskyFactor, choleskySolution } from '../cholesky';

export interface NormalEquations {
  /** [n, n] row-major, n = width + 1: the products of the columns (last one constant 1) with each other. */
  readonly gram: Float64Array;
  /** [n]: their products with the target. */
  readonly moments: Float64Array;
}

/** Sums XᵀDX and XᵀDy in double over all rows; D = `weights` of the rows, 1 where left out. */
export const normalEquations = async (
  matrix: FeatureMatrix,
  targets: Float32Array,
  signal: AbortSignal,
  weights?: Float32Array,
): Promise<NormalEquations> => (await partEquations(matrix, targets, [matrix.rows], signal, weights))[0];

/** The same of each part of the rows by itself: a part begins where the one before ends, and ends before a row of `ends`. */
export const partEquations = async (
  matrix: FeatureMatrix,
  targets: Float32Array,
  ends: readonly number[],
  signal: AbortSignal,
  weights?: Float32Array,
): Promise<NormalEquations[]> => {
  const size = matrix.width + 1;
  const parts: NormalEquations[] = [];
  await withSession(momentsModel(matrix.width, weights !== undefined), {}, async (session) => {
    for (const [at, end] of ends.entries()) {
      const start = at === 0 ? 0 : ends[at - 1];
      const gram = new Float64Array(size * size);
      const moments = new Float64Array(size);
      await inBlocks(end - start, signal, async (first, last) => {
        const [from, to] = [start + first, start + last];
        const column = (values: Float32Array): Tensor => float32(values.subarray(from, to), [to - from, 1]);
        const answer = await session.run({
          features: matrixTensor(matrix, from, to),
          target: column(targets),
          ...(weights !== undefined && { weight: column(weights) }),
        });
        const block = answer['products']?.data;
        if (!(block instanceof Float64Array)) throw new Error('expected a float64 tensor');
        for (let i = 0; i < size; i++) {
          for (let j = 0; j < size; j++) gram[i * size + j] += block[i * (size + 1) + j];
          moments[i] += block[i * (size + 1) + size];
        }
      });
      parts.push({ gram, moments });
    }
  });
  return parts;
};

/** features [rows, width], target [rows, 1] and, if weighted, weight [rows, 1] -> products of columns, 1 and target. */
const momentsModel = (width: number, weighted: boolean): Uint8Array => {
  const features = input('features', 'float32', ['rows', width]);
  const target = input('target', 'float32', ['rows', 1]);
  const wide = op.Cast(op.Concat([features, op.Add(op.Mul(target, 0), scalar(1)), target], 1), 'float64');
  const weight = input('weight', 'float32', ['rows', 1]);
  const left = weighted ? op.Mul(wide, op.Cast(weight, 'float64')) : wide;
  const products = op.MatMul(op.Transpose(left), wide);
  const inputs = [features, target, ...(weighted ? [weight] : [])];
  return modelBytes({ name: 'moments', inputs, outputs: { products } });
};

/**
 * Solves (gram + l2 I) w = moments by Cholesky; the intercept (last) is not penalised. Linearly dependent columns
 * get the smallest penalty that keeps the factorisation stable.
 */
export const solveRidge = ({ gram, moments }: NormalEquations, l2: number): Float64Array => {
  const size = moments.length;
  const penalised = gram.slice();
  let trace = 0;
  for (let i = 0; i < size; i++) trace += gram[i * size + i];
  const floor = (trace / size) * 1e-10;
  for (let i = 0; i < size; i++) penalised[i * size + i] += i === size - 1 ? floor : Math.max(l2, floor);
  return choleskySolution(choleskyFactor(penalised, size, floor), size, moments);
};
