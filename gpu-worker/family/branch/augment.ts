/**
 * Random flips, shifts and crops inside the training graph. Each picture is sampled along rows and columns at positions of
 * an affine map by linear interpolation, written as a product with one matrix an axis (the separable case of Jaderberg et
 * al., «Spatial transformer networks», 2015); what lies outside repeats the rim.
 */
import { op, vector } from '../../../onnx';
import type { Value } from '../../../onnx';
import type { Augmentation } from '../../../contracts';

/** @param x [batch, channels, height, width] float32 with a known batch @param uniform numbers in [0, 1) */
export const augmented = (
  x: Value,
  { flip, shift, zoom }: Augmentation,
  uniform: (dims: readonly number[]) => Value,
): Value => {
  const [batch = 1, , height = 1, width = 1] = x.shape.map(Number);
  if (!flip && shift === 0 && zoom === 0) return x;
  const around = (middle: number, reach: number): Value =>
    op.Add(op.Mul(uniform([batch]), 2 * reach), middle - reach);
  const scale = around(1, zoom);
  const side = flip ? op.Sub(1, op.Mul(op.Cast(op.Less(uniform([batch]), 0.5), 'float32'), 2)) : undefined;
  const rows = sampling(height, scale, around(0, shift * height));
  const columns = sampling(width, side === undefined ? scale : op.Mul(scale, side), around(0, shift * width));
  return op.MatMul(op.MatMul(rows, x), op.Transpose(columns, [0, 1, 3, 2]));
};

/** [batch, 1, length, length]: row i has the weights of the positions around middle + (i - middle) · scale + shift. */
const sampling = (length: number, scale: Value, shift: Value): Value => {
  const [batch = 1] = scale.shape.map(Number);
  const middle = (length - 1) / 2;
  const offsets = vector(Array.from({ length }, (_, at) => at - middle));
  const column = (value: Value): Value => op.Reshape(value, [batch, 1]);
  const positions = op.Clip(
    op.Add(op.Add(op.Mul(column(scale), offsets), column(shift)), middle),
    0,
    length - 1,
  );
  const places = vector(Array.from({ length }, (_, at) => at));
  const distance = op.Abs(op.Sub(op.Reshape(positions, [batch, 1, length, 1]), places));
  return op.Relu(op.Sub(1, distance));
};
