/** One optimizer step as open values: what every engine computes, however it differentiates. */
import { GraphError } from '../errors';
import * as op from '../op';
import type { Value } from '../value';
import type { TrainingPlan } from './compile';
import { known } from './known';
import { WeightLayout } from './layout';
import { clip, withL2 } from './penalty';

export interface StepInputs<C extends string> {
  /** The state tensors in the order of `CompiledTraining.state`. */
  readonly carried: readonly Value[];
  /** Each column as [batch, ...dims]. */
  readonly batch: Readonly<Record<C, Value>>;
  /** [1, 1] each, in the order of the optimizer's coefficients. */
  readonly coefficients: readonly Value[];
  readonly resident: Readonly<Record<string, Value>>;
  /** The next random numbers, of these dimensions: `rate` as in `Draw`. */
  readonly draw: (dims: readonly number[], rate: number | null) => Value;
}

export interface TrainingStep {
  /** What is differentiated with respect to the weights. */
  readonly loss: Value;
  readonly metrics: Readonly<Record<string, Value>>;
  /** Parameters and buffers by name, as parts of `carried`. */
  readonly weights: Readonly<Record<string, Value>>;
  /** `slopes`: gradients in the shape of the first state tensors (the layout's groups). */
  readonly update: (slopes: readonly Value[]) => { readonly state: Value[]; readonly loss: Value };
}

/**
 * The state after a step, and its loss and metrics.
 * @param slopesOf gradients of a loss in the shape of the first state tensors
 */
export type StepUpdate = (
  step: TrainingStep,
  carried: readonly Value[],
  slopesOf: (loss: Value) => readonly Value[],
) => { readonly state: readonly Value[]; readonly reports: readonly Value[] };

export const plainUpdate: StepUpdate = (step, _carried, slopesOf) => {
  const { state, loss } = step.update(slopesOf(step.loss));
  return { state, reports: [loss, ...Object.values(step.metrics)] };
};

/** @throws GraphError when shapes do not fit */
export const trainingStep = <C extends string>(
  plan: TrainingPlan<C>,
  { carried, batch, coefficients, resident, draw }: StepInputs<C>,
): TrainingStep => {
  const layout = new WeightLayout(plan.parameters);
  const buffers = buffersOf(plan);
  const groups = layout.groups.length;
  const parameters = carried.slice(0, groups);
  const trained = groups * (1 + plan.optimizer.slots.length);
  const held = buffers?.unpack(carried.slice(trained)) ?? {};
  const weights = { ...layout.unpack(parameters), ...held };
  const carry = (buffer: string, next: Value): void => {
    if (!Object.hasOwn(held, buffer)) throw new GraphError(`carry: no buffer ${buffer}`);
    held[buffer] = next;
  };
  const dropout = (x: Value, rate: number): Value => {
    if (!(rate >= 0 && rate < 1)) throw new GraphError(`dropout: the rate must be in [0, 1), got ${rate}`);
    if (rate === 0) return x;
    const dims = x.shape.map(Number);
    if (dims.some(Number.isNaN)) throw new GraphError('dropout: needs known dimensions');
    return op.Mul(x, draw(dims, rate));
  };
  const uniform = (dims: readonly number[]): Value => draw(dims, null);
  const { loss, metrics = {} } = plan.build({ weights, batch, resident, dropout, uniform, carry });
  return {
    loss,
    metrics,
    weights,
    update: (slopes) => {
      const penalised =
        plan.l2 === undefined ? { slopes, loss } : withL2(plan.l2, layout, parameters, slopes, loss);
      const clipped = plan.clipNorm === undefined ? penalised.slopes : clip(penalised.slopes, plan.clipNorm);
      const next = layout.groups.map((group, at) =>
        plan.optimizer.update({
          parameters: known(parameters[at], group.name),
          gradients: known(clipped[at], `the gradient of ${group.name}`),
          slots: plan.optimizer.slots.map((slot, nth) =>
            known(carried[(nth + 1) * groups + at], `${slot} of ${group.name}`),
          ),
          coefficients,
          group,
        }),
      );
      return {
        state: [
          ...next.map((updated) => updated.parameters),
          ...plan.optimizer.slots.flatMap((slot, nth) =>
            next.map((updated) => known(updated.slots[nth], slot)),
          ),
          ...(buffers?.pack(held) ?? []),
        ],
        loss: penalised.loss,
      };
    },
  };
};

export const buffersOf = <C extends string>({
  parameters,
  buffers = {},
}: TrainingPlan<C>): WeightLayout | undefined => {
  const both = Object.keys(buffers).find((name) => Object.hasOwn(parameters, name));
  if (both !== undefined) throw new GraphError(`${both} is a parameter and a buffer`);
  return Object.keys(buffers).length === 0 ? undefined : new WeightLayout(buffers);
};
