/** Epochs, validation, early stopping: the loop around the training graph that `mlp` and `linear` share. */
import { Failure } from '../../../contracts';
import type { Epoch, MlpSpec } from '../../../contracts';
import { ChunkSize } from '../../engine/chunk';
import { openSession } from '../../engine/onnxruntime';
import type { TrainingContext, TrainingData } from '../data';
import { Evaluator } from './evaluator';
import { ScoreSum, classWeightsOf, epochOf } from './history';
import { Member } from './member';
import type { NetworkShape } from './network';
import { weightShapes } from './network';
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
  /** All weights of each member, in the order of `weightShapes`. */
  readonly members: readonly Float32Array[];
  readonly history: readonly Epoch[];
}

export const trainNetwork = async (
  options: NetworkOptions,
  data: TrainingData,
  context: TrainingContext,
): Promise<TrainedNetwork> => {
  const { training, validation, target } = data;
  const shape: NetworkShape = {
    inputs: training.features.width,
    hidden: options.hidden,
    outputs: target.task === 'classification' ? target.classes.length : 1,
    activation: options.activation,
  };
  const classWeights = classWeightsOf(target, options.classWeights);
  const program = {
    shape,
    batch: Math.min(options.batchSize, training.features.rows),
    loss: target.task === 'regression' ? ('squaredError' as const) : ('crossEntropy' as const),
    dropout: options.dropout,
    l2: options.l2,
    classWeights,
    learningRate: options.learningRate,
  };
  const evaluator = await Evaluator.open(shape);
  const session = await openSession(trainingProgram(program), {
    device: context.engine.device,
    threads: threadsFor(shape, program.batch),
  }).catch(async (error: unknown) => {
    await evaluator.close();
    throw error;
  });
  const breathe = async (): Promise<void> => {
    await new Promise(setImmediate);
    context.signal.throwIfAborted();
  };
  try {
    const chunk = new ChunkSize(4 * program.batch * (shape.inputs + shape.outputs + 2));
    const members = Array.from(
      { length: options.members },
      (_, i) => new Member(session, program, training, chunk, context.seed, i),
    );
    const best = new BestWeights(options.patience);
    const history: Epoch[] = [];
    for (let epoch = 1; epoch <= options.epochs && !best.exhausted; epoch++) {
      const scores = new ScoreSum(target, classWeights);
      for (const member of members) await member.epoch(epoch, scores, breathe);
      const penalty = mean(members.map(({ weights }) => penaltyOf(shape, weights, options.l2)));
      const validated =
        validation.features.rows > 0
          ? await validate(evaluator, members, data, classWeights, penalty)
          : undefined;
      const figures = epochOf(epoch, scores.scores(penalty), validated);
      if (!Number.isFinite(figures.loss) || !Number.isFinite(figures.valLoss ?? 0))
        throw notFinite(options, epoch);
      history.push(figures);
      best.consider(figures.valLoss, members);
      context.progress(epoch / options.epochs, [figures]);
      await breathe();
    }
    return { shape, members: best.kept ?? members.map(({ weights }) => weights), history };
  } finally {
    await session.close();
    await evaluator.close();
  }
};

/** Mean output of the members on the validation rows. */
const validate = async (
  evaluator: Evaluator,
  members: readonly Member[],
  { validation, target }: TrainingData,
  classWeights: Float32Array,
  penalty: number,
): Promise<ReturnType<ScoreSum['scores']>> => {
  const [first, ...others] = members;
  if (first === undefined) throw new Error('a network needs a member');
  const sum = await evaluator.outputs(validation.features, first.weights);
  for (const member of others) {
    const outputs = await evaluator.outputs(validation.features, member.weights);
    for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] ?? NaN) + (outputs[i] ?? NaN);
  }
  for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] ?? NaN) / members.length;
  const scores = new ScoreSum(target, classWeights);
  scores.add(sum, validation.targets, validation.features.rows);
  return scores.scores(penalty);
};

/** Early stopping (patience 0: never): remembers the weights with the lowest validation loss. */
class BestWeights {
  kept: Float32Array[] | undefined;
  private lowest = Infinity;
  private since = 0;

  constructor(private readonly patience: number) {}

  get exhausted(): boolean {
    return this.patience > 0 && this.since >= this.patience;
  }

  consider(loss: number | null, members: readonly Member[]): void {
    if (this.patience === 0 || loss === null) return;
    this.since++;
    if (loss >= this.lowest) return;
    this.lowest = loss;
    this.since = 0;
    this.kept = members.map(({ weights }) => weights);
  }
}

const penaltyOf = (shape: NetworkShape, weights: Float32Array, l2: number): number => {
  if (l2 === 0) return 0;
  let offset = 0;
  let sum = 0;
  for (const dims of weightShapes(shape)) {
    const length = dims.reduce((product, dim) => product * dim, 1);
    if (dims.length === 2) for (let i = 0; i < length; i++) sum += (weights[offset + i] ?? 0) ** 2;
    offset += length;
  }
  return l2 * sum;
};

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** A step below this many multiplications is over before a second thread has been woken (measured). */
const WORTH_A_THREAD = 50_000_000;

const threadsFor = (shape: NetworkShape, batch: number): number => {
  const weights = weightShapes(shape).reduce((sum, [from = 0, to = 0]) => sum + from * to, 0);
  return 3 * batch * weights > WORTH_A_THREAD ? 2 : 1;
};

const notFinite = ({ learningRate }: NetworkOptions, epoch: number): Failure => {
  const proposed = Number((learningRate / 10).toPrecision(2));
  return new Failure('LOSS_NOT_FINITE', `the loss is no longer a number in epoch ${epoch}`, {
    path: ['spec', 'learningRate'],
    hint: `lower the learning rate, for example to ${proposed}`,
  });
};
