import * as op from '../op';
import type { Value } from '../value';
import type { Parameters } from '../training/layout';

export interface BatchNormalizationOptions {
  /** Training hands over `carry` of its ingredients: the batch's own statistics count and the running ones move. */
  readonly carry?: (buffer: string, next: Value) => void;
  /** Share of the running statistics that a step keeps. Default 0.99, as in Keras. */
  readonly momentum?: number;
  readonly epsilon?: number;
}

/** Names and shapes for a layer called `name`: two trained vectors (start: 1 and 0) and two buffers (start: 0 and 1). */
export const batchNormalizationWeights = (
  name: string,
  channels: number,
): { readonly parameters: Parameters; readonly buffers: Parameters } => ({
  parameters: { [`${name}/scale`]: [channels], [`${name}/shift`]: [channels] },
  buffers: { [`${name}/mean`]: [channels], [`${name}/variance`]: [channels] },
});

/**
 * Normalises each channel (axis 1) of [batch, channels, ...] (Ioffe & Szegedy 2015). With `carry` over the batch, whose
 * mean and (biased) variance enter the running ones; without it by the running ones, in one operator.
 */
export const batchNormalization = (
  x: Value,
  weights: Readonly<Record<string, Value>>,
  name: string,
  { carry, momentum = 0.99, epsilon = 1e-5 }: BatchNormalizationOptions = {},
): Value => {
  const get = (what: string): Value => {
    const value = weights[`${name}/${what}`];
    if (value === undefined) throw new RangeError(`batchNormalization: no weights ${name}/${what}`);
    return value;
  };
  const [scale, shift, mean, variance] = [get('scale'), get('shift'), get('mean'), get('variance')];
  if (carry === undefined) return op.BatchNormalization(x, { scale, shift, mean, variance }, epsilon);
  const axes = x.shape.flatMap((_, axis) => (axis === 1 ? [] : [axis]));
  const channels = x.shape.map((dim, axis) => (axis === 1 ? dim : 1));
  const vector = (value: Value): Value => op.Squeeze(value, axes);
  const column = (value: Value): Value => op.Reshape(value, channels.slice(1));
  const center = op.ReduceMean(x, { axes, keepDims: true });
  const centered = op.Sub(x, center);
  const spread = op.ReduceMean(op.Mul(centered, centered), { axes, keepDims: true });
  const moved = (running: Value, now: Value): Value =>
    op.Add(op.Mul(running, momentum), op.Mul(vector(now), 1 - momentum));
  carry(`${name}/mean`, moved(mean, center));
  carry(`${name}/variance`, moved(variance, spread));
  const slope = op.Div(column(scale), op.Sqrt(op.Add(spread, epsilon)));
  return op.Add(op.Mul(centered, slope), column(shift));
};
