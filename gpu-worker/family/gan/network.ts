/** Generator and discriminator as one network whose loss trains both. */
import { glorotUniform, gradients, op, stopGradient } from '../../../onnx';
import type { Value } from '../../../onnx';
import { denseLayers, denseParameters, denseStack, denseStart, denseWork } from '../network/dense';
import type { DenseLayer } from '../network/dense';
import type { Given, Network } from '../network/network';
import type { GeneratedColumn } from './columns';
import { widthOf } from './columns';

/** Weight of the gradient penalty (Gulrajani et al. 2017). */
const PENALTY = 10;
/** Slope of the discriminator's negative side. */
const SLOPE = 0.2;
/** Temperature of the relaxed choice of a category (Jang et al. 2017). */
const TEMPERATURE = 0.3;

export interface GanShape {
  readonly columns: readonly GeneratedColumn[];
  /** Values of the condition; 0: none. */
  readonly conditions: number;
  readonly latent: number;
  readonly hidden: readonly number[];
}

export const encodedWidth = (columns: readonly GeneratedColumn[]): number =>
  columns.reduce((sum, column) => sum + widthOf(column), 0);

/** Column `x`: an encoded row; `c`: its condition, one-hot. */
export const ganNetwork = (shape: GanShape): Network<'x' | 'c', never> => {
  const width = encodedWidth(shape.columns);
  const conditions = Math.max(1, shape.conditions);
  const generator = generatorOf(shape);
  const discriminator = denseLayers('discriminator', [width + conditions, ...shape.hidden, 1]);
  const all = [...generator, ...discriminator];
  return {
    parameters: denseParameters(all),
    initial: (seed) => denseStart(all, (dims, at) => glorotUniform(dims, seed, at)),
    inputs: { x: { dtype: 'float32', dims: [width] }, c: { dtype: 'float32', dims: [conditions] } },
    targets: {},
    forward: (given) => objective(shape, discriminator, given),
    loss: (outputs) => outputs,
    decayed: [],
    work: 4 * denseWork(all),
  };
};

const generatorOf = (shape: GanShape): DenseLayer[] =>
  denseLayers('generator', [
    shape.latent + Math.max(1, shape.conditions),
    ...shape.hidden,
    encodedWidth(shape.columns),
  ]);

/**
 * What the generator puts out before columns are chosen, [rows, width]: normal scores and logits.
 * @param noise [rows, latent] standard normal
 */
export const generated = (
  shape: GanShape,
  weights: Readonly<Record<string, Value>>,
  noise: Value,
  condition: Value,
): Value => denseStack(op.Concat([noise, condition], 1), weights, generatorOf(shape));

/** -log(-log u): added to logits, the largest is drawn with the probabilities that they stand for (Gumbel 1954). */
export const gumbel = (uniform: Value): Value =>
  op.Neg(op.Log(op.Neg(op.Log(op.Clip(uniform, 1e-6, 1 - 1e-6)))));

/** Standard normal numbers by Box and Muller (1958), from [rows, 2 · count] uniform ones. */
export const normals = (uniform: Value, count: number): Value => {
  const [first, second] = op.Split(uniform, [count, count], 1);
  if (first === undefined || second === undefined) throw new Error('two halves');
  const radius = op.Sqrt(op.Mul(op.Log(op.Clip(first, 1e-7, 1)), -2));
  return op.Mul(radius, op.Cos(op.Mul(second, 2 * Math.PI)));
};

/** Categories as nearly one-hot shares, so that gradients flow through the choice. */
const relaxed = ({ columns }: GanShape, raw: Value, uniform: (dims: readonly number[]) => Value): Value => {
  const rows = Number(raw.shape[0]);
  let from = 0;
  const parts: Value[] = [];
  const part = (width: number): Value => {
    const cut = op.Slice(raw, [{ axis: 1, start: from, end: from + width }]);
    from += width;
    return cut;
  };
  const choice = (width: number): Value =>
    op.Softmax(op.Div(op.Add(part(width), gumbel(uniform([rows, width]))), TEMPERATURE), 1);
  for (const column of columns) {
    if (column.kind === 'category') parts.push(choice(column.values.length));
    else {
      parts.push(part(1));
      if (column.missing > 0) parts.push(choice(2));
    }
  }
  return op.Concat(parts, 1);
};

const objective = (
  shape: GanShape,
  discriminator: readonly DenseLayer[],
  { weights, batch, training }: Given<'x' | 'c'>,
): Value => {
  // Nothing but training asks for the loss.
  if (training === undefined) return op.ReduceMean(batch.x);
  const { uniform } = training;
  const rows = Number(batch.x.shape[0]);
  const frozen = Object.fromEntries(
    Object.entries(weights).map(([name, value]) => [name, stopGradient(value)]),
  );
  const judge = (x: Value, by: Readonly<Record<string, Value>>): Value =>
    denseStack(op.Concat([x, batch.c], 1), by, discriminator, {
      activation: (values) => op.LeakyRelu(values, SLOPE),
    });
  const raw = generated(shape, weights, normals(uniform([rows, 2 * shape.latent]), shape.latent), batch.c);
  const fake = relaxed(shape, raw, uniform);
  // The generator is moved by a discriminator that stands still, and the other way round.
  const fooled = op.Neg(op.ReduceMean(judge(fake, frozen)));
  const made = stopGradient(fake);
  const told = op.Sub(op.ReduceMean(judge(made, weights)), op.ReduceMean(judge(batch.x, weights)));
  const mix = uniform([rows, 1]);
  const between = op.Add(batch.x, op.Mul(op.Sub(made, batch.x), mix));
  const [slope] = gradients(op.ReduceSum(judge(between, weights)), [between]);
  if (slope === undefined) throw new Error('one gradient');
  const norm = op.Sqrt(op.Add(op.ReduceSum(op.Mul(slope, slope), { axes: [1] }), 1e-12));
  const off = op.Sub(norm, 1);
  return op.Add(op.Add(fooled, told), op.Mul(op.ReduceMean(op.Mul(off, off)), PENALTY));
};
