/** Epochs, validation, early stopping: the loop around the training graph that `mlp` and `linear` share. */
import { Failure } from '../../../contracts';
import type { Epoch, MlpSpec } from '../../../contracts';
import type { Weights } from '../../../onnx';
import { ChunkSize } from '../../engine/chunk';
import { float32, openSession } from '../../engine/onnxruntime';
import type { Prepared, TrainingContext } from '../data';
import { EarlyStopping } from './early-stopping';
import { Evaluator } from './evaluator';
import { ScoreSum, classWeightsOf, epochOf } from './history';
import { Member } from './member';
import type { Training } from './member';
import { kernelNames } from './network';
import type { NetworkShape } from './network';
import { trainingProgram } from './program';

export type NetworkOptions = Pick<
  MlpSpec,
  | 'activation'
  | 'dropout'
  | 'l2'
  | 'learningRate'
  | 'batchSize'
  | 'epochs'
  | 'patience'
  | 'classWeights'
  | 'members'
> & { readonly hidden: readonly number[] };

export interface TrainedNetwork {
  readonly shape: NetworkShape;
  /** Weights of each member by parameter name. */
  readonly members: readonly Weights[];
  readonly history: readonly Epoch[];
}

export const trainNetwork = async (
  options: NetworkOptions,
  data: Prepared,
  context: TrainingContext,
): Promise<TrainedNetwork> => {
  const { target, training } = data;
  const shape: NetworkShape = {
    inputs: training.features.width,
    hidden: options.hidden,
    outputs: target.task === 'classification' ? target.classes.length : 1,
    activation: options.activation,
  };
  const batchSize = Math.min(options.batchSize, training.features.rows);
  const compiled = trainingProgram({ ...options, shape, batchSize, task: target.task });
  const session = await openSession(compiled.bytes, {
    device: context.engine.device,
    threads: threadsFor(shape, batchSize),
  });
  try {
    const evaluator = await Evaluator.open(shape);
    try {
      return await epochs(options, data, context, { session, compiled, shape }, evaluator);
    } finally {
      await evaluator.close();
    }
  } finally {
    await session.close();
  }
};

const epochs = async (
  options: NetworkOptions,
  data: Prepared,
  context: TrainingContext,
  built: Pick<Training, 'session' | 'compiled' | 'shape'>,
  evaluator: Evaluator,
): Promise<TrainedNetwork> => {
  const { target, validation } = data;
  const classWeights = classWeightsOf(target, options.classWeights);
  const training = trainingOf(built, data, classWeights, options.learningRate);
  const members = Array.from({ length: options.members }, (_, i) => new Member(training, context.seed, i));
  const stopping = new EarlyStopping(options.patience);
  const history: Epoch[] = [];
  const inOrder = Int32Array.from({ length: validation.features.rows }, (_, row) => row);
  const breathe = async (): Promise<void> => {
    await new Promise(setImmediate);
    context.signal.throwIfAborted();
  };
  for (let epoch = 1; epoch <= options.epochs && !stopping.exhausted; epoch++) {
    const scores = new ScoreSum(target, classWeights);
    for (const member of members) await member.epoch(epoch, scores, breathe);
    const penalty = penaltyOf(built.shape, options.l2, members);
    const judged = new ScoreSum(target, classWeights);
    if (validation.features.rows > 0)
      judged.add(await meanOutputs(evaluator, members, data), validation.targets, inOrder);
    const figures = epochOf(epoch, scores.scores(penalty), judged.scores(penalty));
    if (!(figures.loss < EXPLODED) || !((figures.valLoss ?? 0) < EXPLODED)) throw notFinite(options, epoch);
    history.push(figures);
    stopping.consider(figures.valLoss, () => members.map(({ weights }) => weights));
    context.progress(epoch / options.epochs, [figures]);
    await breathe();
    if (context.enough?.() === true) break;
  }
  return {
    shape: built.shape,
    members: stopping.kept ?? members.map(({ weights }) => weights),
    history,
  };
};

const trainingOf = (
  built: Pick<Training, 'session' | 'compiled' | 'shape'>,
  { target, training }: Prepared,
  classWeights: Float32Array,
  learningRate: number,
): Training => {
  const { rows, width, values } = training.features;
  const { shape, compiled } = built;
  const masks = compiled.masks.reduce(
    (sum, { dims }) => sum + dims.reduce((product, dim) => product * dim, 1),
    0,
  );
  return {
    ...built,
    rows,
    columns: {
      x: float32(values, [rows, width]),
      y: float32(
        target.task === 'regression'
          ? training.targets
          : weightedOneHot(training.targets, shape.outputs, classWeights),
        [rows, shape.outputs],
      ),
    },
    targets: training.targets,
    learningRate,
    chunk: new ChunkSize(4 * (compiled.batchSize * (width + 2 * shape.outputs + 1) + masks)),
  };
};

/** Row-major [rows, classes]: the weight of the class where the row has it, else 0. */
const weightedOneHot = (targets: Float32Array, classes: number, classWeights: Float32Array): Float32Array => {
  const hot = new Float32Array(targets.length * classes);
  for (let row = 0; row < targets.length; row++) {
    const label = targets[row] ?? -1;
    hot[row * classes + label] = classWeights[label] ?? 1;
  }
  return hot;
};

/** Mean output of the members on the validation rows. */
const meanOutputs = async (
  evaluator: Evaluator,
  members: readonly Member[],
  { validation }: Prepared,
): Promise<Float32Array> => {
  const [first, ...others] = members;
  if (first === undefined) throw new Error('a network needs a member');
  const sum = await evaluator.outputs(validation.features, first.weights);
  for (const member of others) {
    const outputs = await evaluator.outputs(validation.features, member.weights);
    for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] ?? NaN) + (outputs[i] ?? NaN);
  }
  for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] ?? NaN) / members.length;
  return sum;
};

/** What l2 adds to the loss: the squared kernels, biases are free. */
const penaltyOf = (shape: NetworkShape, l2: number, members: readonly Member[]): number => {
  if (l2 === 0) return 0;
  const penalties = members.map(({ weights }) =>
    kernelNames(shape).reduce((sum, name) => sum + squares(weights[name] ?? new Float32Array(0)), 0),
  );
  return (l2 * penalties.reduce((sum, penalty) => sum + penalty, 0)) / members.length;
};

const squares = (values: Float32Array): number => values.reduce((sum, value) => sum + value * value, 0);

/** A step below this many multiplications is over before a second thread has been woken (measured). */
const WORTH_A_THREAD = 50_000_000;

const threadsFor = (shape: NetworkShape, batch: number): number => {
  const sizes = [shape.inputs, ...shape.hidden, shape.outputs];
  const weights = sizes.slice(1).reduce((sum, to, layer) => sum + (sizes[layer] ?? 0) * to, 0);
  return 3 * batch * weights > WORTH_A_THREAD ? 2 : 1;
};

/** Guessing costs about 1: beyond this the weights are lost, even where float32 could still hold the loss. */
const EXPLODED = 1e12;

const notFinite = ({ learningRate }: NetworkOptions, epoch: number): Failure => {
  const proposed = Number((learningRate / 10).toPrecision(2));
  return new Failure('LOSS_NOT_FINITE', `the loss exploded or is no longer a number in epoch ${epoch}`, {
    path: ['spec', 'learningRate'],
    hint: `lower the learning rate, for example to ${proposed}`,
  });
};
