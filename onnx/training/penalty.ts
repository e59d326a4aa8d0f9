import { GraphError } from '../errors';
import * as op from '../op';
import { countOf, tensor } from '../tensor';
import { constant, type Value } from '../value';
import type { WeightLayout } from './layout';

export interface L2 {
  readonly factor: number;
  /** Names of the penalised parameters (biases are usually left out). */
  readonly parameters: readonly string[];
}

/** Adds the penalty to the loss and its derivative 2 · factor · w to the gradients, on the carried tensors. */
export const withL2 = (
  { factor, parameters: names }: L2,
  layout: WeightLayout,
  carried: readonly Value[],
  slopes: readonly Value[],
  loss: Value,
): { slopes: Value[]; loss: Value } => {
  for (const name of names)
    if (!Object.hasOwn(layout.parameters, name))
      throw new GraphError(`l2: no parameter ${name}; one of: ${Object.keys(layout.parameters).join(', ')}`);
  let total = loss;
  const steeper = slopes.map((slope, at) => {
    const value = carried[at];
    const group = layout.groups[at];
    if (value === undefined || group === undefined || !group.members.some(({ name }) => names.includes(name)))
      return slope;
    const doubled = new Float32Array(countOf(group.dims));
    for (const { name, offset, count } of group.members)
      if (names.includes(name)) doubled.fill(2 * factor, offset, offset + count);
    const uniform = group.members.length === 1;
    const pull = op.Mul(value, uniform ? 2 * factor : constant(tensor('float32', doubled, group.dims)));
    total = op.Add(total, op.Mul(op.ReduceSum(op.Mul(pull, value)), 0.5));
    return op.Add(slope, pull);
  });
  return { slopes: steeper, loss: total };
};

/** Scales all gradients down together where their common norm is larger than `limit`. */
export const clip = (slopes: readonly Value[], limit: number): Value[] => {
  const [first, ...rest] = slopes.map((slope) => op.ReduceSum(op.Mul(slope, slope)));
  if (first === undefined) return [];
  const norm = op.Sqrt(rest.reduce((sum, part) => op.Add(sum, part), first));
  const scale = op.Div(limit, op.Max(norm, limit));
  return slopes.map((slope) => op.Mul(slope, scale));
};
