import { modelBytes } from '../emit';
import { GraphError } from '../errors';
import { gradients } from '../gradient';
import * as op from '../op';
import { countOf, type Dtype, type Shape } from '../tensor';
import { input, type Value } from '../value';
import { known } from './known';
import { WeightLayout, type Parameters, type Weights } from './layout';
import { mixedUpdate, scalingInputs, scalingStart } from './mixed';
import type { Optimizer } from './optimizer';
import type { L2 } from './penalty';
import { afterLoop } from './reports';
import { dropoutMasks, uniformDraws } from './random';
import { buffersOf, plainUpdate, trainingStep } from './step';

/** One column block of the training data: `dims` of a single row, [] for one number. */
export interface Column {
  readonly dtype: Dtype;
  readonly dims: readonly number[];
}

/** A tensor that is fed whole and that every step may read: a series out of which the steps gather their windows. */
export interface Resident {
  readonly dtype: Dtype;
  /** A name stands for a length that differs from run to run. */
  readonly shape: Shape;
}

/** What a network is built from. In training and in the exported model the same function gets the same kind. */
export interface Ingredients<C extends string> {
  /** Parameters and buffers by name. */
  readonly weights: Readonly<Record<string, Value>>;
  /** Each column as [batch, ...dims]. */
  readonly batch: Readonly<Record<C, Value>>;
  /** Zeroes a share of the elements and scales the rest up (Srivastava et al. 2014); does nothing in inference. */
  readonly dropout: (x: Value, rate: number) => Value;
  /** Numbers drawn anew in every step, uniform in [0, 1): for noise and augmentation. */
  readonly uniform: (dims: readonly number[]) => Value;
  /** The resident tensors by name. */
  readonly resident: Readonly<Record<string, Value>>;
  /** Says what a buffer holds after this step; a buffer of which nothing is said stays as it is. */
  readonly carry: (buffer: string, next: Value) => void;
}

export interface Objective {
  /** A float32 scalar: what is minimised. */
  readonly loss: Value;
  /** Further scalars that are reported for every step. */
  readonly metrics?: Readonly<Record<string, Value>>;
}

export interface TrainingPlan<C extends string> {
  readonly parameters: Parameters;
  /** Tensors that steps hand on without being trained: running statistics. They start and end among the weights. */
  readonly buffers?: Parameters;
  readonly columns: Readonly<Record<C, Column>>;
  readonly resident?: Readonly<Record<string, Resident>>;
  /** Rows of a step. The last, smaller batch of an epoch runs in a second model compiled with its own size. */
  readonly batchSize: number;
  readonly build: (given: Ingredients<C>) => Objective;
  readonly optimizer: Optimizer;
  /** Adds factor · sum(w^2) to the loss for the named parameters, as Keras' l2() does. */
  readonly l2?: L2;
  /** Limits the Euclidean norm of all gradients together (Pascanu et al. 2013). */
  readonly clipNorm?: number;
  /** Products in float16, everything else in float32; left out: all in float32. */
  readonly mixed?: boolean;
  /** Scan reads its batches without copying and measured 5 % faster; Loop runs where a provider lacks Scan. */
  readonly loop?: 'scan' | 'loop';
}

export interface TensorSpec {
  readonly name: string;
  readonly dtype: Dtype;
  /** 'rows' and 'steps' may differ from run to run. */
  readonly dims: readonly (number | 'rows' | 'steps')[];
}

/** A tensor that leaves one run and enters the next. */
export interface StateTensor {
  readonly input: string;
  readonly output: string;
  readonly dims: readonly number[];
}

/** Random numbers that are fed, [steps, ...dims]. */
export interface Draw {
  readonly input: string;
  readonly dims: readonly number[];
  /** Dropout's rate; null for numbers uniform in [0, 1). */
  readonly rate: number | null;
}

/** A model that runs `steps` optimizer steps in one `session.run`, and what to feed it. */
export interface CompiledTraining {
  readonly bytes: Uint8Array;
  /** What it was compiled from, for an engine that does not run ONNX. */
  readonly plan: TrainingPlan<string>;
  readonly layout: WeightLayout;
  readonly batchSize: number;
  /** Data columns [rows, ...dims] by column name; any block of rows that `index` points into. */
  readonly columns: readonly TensorSpec[];
  /** int32 [steps, batchSize]: the rows of each step. */
  readonly index: string;
  readonly state: readonly StateTensor[];
  /** float32 [steps] inputs, see `coefficients`. */
  readonly coefficientInputs: readonly string[];
  readonly draws: readonly Draw[];
  /** Outputs of shape [steps]: `loss`, then the metrics. */
  readonly reports: readonly string[];
  /** All state tensors of a fresh start, by input name; `weights` holds parameters and buffers. */
  initialState(weights: Weights): Record<string, Float32Array>;
  /** Parameters and buffers out of state arrays by input name. */
  weightsOf(state: Readonly<Record<string, Float32Array>>): Record<string, Float32Array>;
  /** Feeds for the steps from `firstStep` on (counted from 0 over the whole training). */
  coefficients(
    firstStep: number,
    steps: number,
    learningRate: number | ((step: number) => number),
  ): Record<string, Float32Array>;
  /** Feeds for `draws`; the same for every way of cutting a training into runs. */
  drawn(seed: number, firstStep: number, steps: number): Record<string, Float32Array>;
}

/**
 * Compiles a network, its loss, their gradients and the optimizer into one ONNX model with a loop over mini-batches.
 * @throws GraphError when shapes do not fit, the loss is no float32 scalar, or an operator has no gradient
 */
export const compileTraining = <C extends string>(plan: TrainingPlan<C>): CompiledTraining => {
  if (!Number.isInteger(plan.batchSize) || plan.batchSize < 1)
    throw new GraphError(`batchSize must be a positive whole number, got ${plan.batchSize}`);
  const layout = new WeightLayout(plan.parameters);
  const buffers = buffersOf(plan);
  const names = Object.keys(plan.columns) as C[];
  const data = names.map((name) => {
    const { dtype, dims } = plan.columns[name];
    return input(name, dtype, ['rows', ...dims]);
  });
  const index = input('batch/index', 'int32', ['steps', plan.batchSize]);
  const coefficients = plan.optimizer.coefficients.map((name) => input(`step/${name}`, 'float32', ['steps']));
  const slotNames = ['weights', ...plan.optimizer.slots.map((slot) => `optimizer/${slot}`)];
  const trained = slotNames.flatMap((slot) => layout.inputs(slot));
  const mixed = plan.mixed === true;
  const state = [...trained, ...(buffers?.inputs('buffers') ?? []), ...(mixed ? scalingInputs() : [])];

  const resident = Object.fromEntries(
    Object.entries(plan.resident ?? {}).map(([name, { dtype, shape }]) => [name, input(name, dtype, shape)]),
  );
  const draws: { draw: Draw; feed: Value }[] = [];
  const reports = ['loss'];
  let finish: (stacked: readonly Value[]) => Value[] = () => [];
  const body: StepBody = (carried, slices, also) => {
    const step = trainingStep(plan, {
      carried,
      batch: Object.fromEntries(names.map((name, at) => [name, known(slices[at], name)])) as Record<C, Value>,
      coefficients: slices.slice(names.length),
      resident,
      draw: (dims, rate) => {
        const name = `draw/${draws.length}`;
        const feed = input(name, 'float32', ['steps', ...dims]);
        draws.push({ draw: { input: name, dims, rate }, feed });
        return also(feed);
      },
    });
    const order = Object.keys(plan.parameters);
    const slopesOf = (loss: Value): Value[] => {
      const found = gradients(
        loss,
        order.map((name) => known(step.weights[name], name)),
      );
      return layout.pack(
        Object.fromEntries(order.map((name, at) => [name, known(found[at], `the gradient of ${name}`)])),
      );
    };
    const next = (mixed ? mixedUpdate : plainUpdate)(step, carried, slopesOf);
    reports.push(...Object.keys(step.metrics));
    const { collect, after } = afterLoop(next.reports, next.state);
    finish = after;
    return { state: [...next.state], collect };
  };

  // Batches are picked in one pass before the loop: a slice of a step is then a view.
  const sequences = [
    ...data.map((column) => op.Gather(column, index)),
    ...coefficients.map((coefficient) => op.Reshape(coefficient, ['steps', 1, 1])),
  ];
  const result =
    plan.loop === 'loop' ? viaLoop(index, sequences, state, body) : op.Scan({ state, sequences, body });
  const outputs: Record<string, Value> = {};
  const stateTensors = state.map((value, at): StateTensor => {
    const name = inputName(value);
    outputs[`next/${name}`] = known(result.state[at], `next/${name}`);
    return { input: name, output: `next/${name}`, dims: value.shape.map(Number) };
  });
  finish(result.collected).forEach(
    (report, at) => (outputs[known(reports[at], 'the name of a report')] = report),
  );
  const inputs = [
    ...data,
    ...Object.values(resident),
    index,
    ...coefficients,
    ...draws.map(({ feed }) => feed),
    ...state,
  ];
  const drawsOnly = draws.map(({ draw }) => draw);
  return {
    bytes: modelBytes({ name: 'training', inputs, outputs }),
    plan,
    layout,
    batchSize: plan.batchSize,
    columns: names.map((name) => ({
      name,
      dtype: plan.columns[name].dtype,
      dims: ['rows', ...plan.columns[name].dims],
    })),
    index: 'batch/index',
    state: stateTensors,
    coefficientInputs: coefficients.map(inputName),
    draws: drawsOnly,
    reports,
    initialState: (weights) => {
      const slots: Float32Array[] = stateTensors
        .slice(0, trained.length)
        .map(({ dims }) => new Float32Array(countOf(dims)));
      slots.splice(0, layout.groups.length, ...layout.arrays(weights));
      const arrays = [...slots, ...(buffers?.arrays(weights) ?? []), ...(mixed ? scalingStart() : [])];
      return Object.fromEntries(stateTensors.map(({ input: name }, at) => [name, known(arrays[at], name)]));
    },
    weightsOf: (arrays) => {
      const all = stateTensors.map(({ input: name }) => known(arrays[name], name));
      return { ...layout.weights(all), ...buffers?.weights(all.slice(trained.length)) };
    },
    coefficients: (firstStep, steps, learningRate) =>
      coefficientFeeds(plan.optimizer, firstStep, steps, learningRate),
    drawn: (seed, firstStep, steps) =>
      Object.fromEntries(
        drawsOnly.map(({ input: name, dims, rate }, stream) => {
          const at = { seed, stream, firstStep, steps };
          return [
            name,
            rate === null ? uniformDraws(countOf(dims), at) : dropoutMasks(countOf(dims), rate, at),
          ];
        }),
      ),
  };
};

type StepBody = (
  carried: readonly Value[],
  slices: readonly Value[],
  also: (sequence: Value) => Value,
) => { state: Value[]; collect: Value[] };

const viaLoop = (
  index: Value,
  sequences: readonly Value[],
  state: readonly Value[],
  body: StepBody,
): op.LoopResult =>
  op.Loop({
    steps: op.Reshape(op.Slice(op.ShapeOf(index), [{ axis: 0, start: 0, end: 1 }]), []),
    state,
    length: 'steps',
    body: (at, carried) => {
      const slice = (sequence: Value): Value => op.Gather(sequence, at);
      return body(carried, sequences.map(slice), slice);
    },
  });

const inputName = (value: Value): string => (value.origin.kind === 'input' ? value.origin.name : '');

const coefficientFeeds = (
  optimizer: Optimizer,
  firstStep: number,
  steps: number,
  learningRate: number | ((step: number) => number),
): Record<string, Float32Array> => {
  const columns = optimizer.coefficients.map(() => new Float32Array(steps));
  for (let at = 0; at < steps; at++) {
    const rate = typeof learningRate === 'number' ? learningRate : learningRate(firstStep + at);
    optimizer
      .coefficientsAt(firstStep + at + 1, rate)
      .forEach((value, which) => known(columns[which], 'a coefficient').fill(value, at, at + 1));
  }
  return Object.fromEntries(
    optimizer.coefficients.map((name, which) => [`step/${name}`, known(columns[which], name)]),
  );
};
