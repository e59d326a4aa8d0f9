/** Epochs, validation, schedule, early stopping, checkpoints: the loop around the training graph of every network. */
import { createHash } from 'node:crypto';
import { PLATEAU_START, afterValidation, countOf } from '../../../onnx';
import type { Plateau, Weights } from '../../../onnx';
import { Failure } from '../../../contracts';
import type { Epoch } from '../../../contracts';
import { ChunkSize } from '../../engine/chunk';
import { openTraining } from '../../engine/engine';
import type { TrainingContext } from '../data';
import { packState, unpackState } from './checkpoint';
import type { Layout, TrainingState } from './checkpoint';
import { EarlyStopping } from './early-stopping';
import { Evaluator, residentFeeds } from './evaluator';
import { RowFeed } from './feed';
import { epochOf } from './history';
import { Member } from './member';
import type { Training } from './member';
import { weightShapes } from './network';
import type { Network, NetworkData, Scores } from './network';
import { PLATEAU_PATIENCE, checkOptions, scheduleOf } from './options';
import type { TrainingOptions } from './options';
import { trainingProgram } from './program';
import type { Program } from './program';

export interface TrainedMembers {
  /** Parameters and buffers of each member by name: those of the best epoch where one was chosen. */
  readonly members: readonly Weights[];
  readonly history: readonly Epoch[];
}

/**
 * Trains `options.members` networks on `data.training`. Throws BAD_SPEC when the network does not fit together,
 * LOSS_NOT_FINITE when it diverges, the signal's reason when aborted.
 */
export const trainNetwork = async <I extends string, T extends string>(
  network: Network<I, T>,
  data: NetworkData<I | T>,
  options: TrainingOptions,
  context: TrainingContext,
): Promise<TrainedMembers> => {
  checkOptions(options);
  const batchSize = Math.min(options.batchSize, data.training.count);
  const program = trainingProgram(network, options, batchSize, data.tally !== undefined);
  const work = network.work ?? countOfAll(Object.values(network.parameters));
  const session = await openTraining(context.engine, program.compiled, {
    threads: 3 * batchSize * work > WORTH_A_THREAD ? 2 : 1,
  });
  const breathe = async (): Promise<void> => {
    await new Promise(setImmediate);
    context.signal.throwIfAborted();
  };
  try {
    const training = trainingOf(network, data, options, context, program, session);
    const evaluator = await Evaluator.open(network, data, { engine: context.engine, work, breathe });
    try {
      return await epochs({ network, data, options, context, training, evaluator, breathe });
    } finally {
      await evaluator.close();
    }
  } finally {
    await session.close();
  }
};

/** A step below this many multiplications is over before a second thread has been woken (measured). */
const WORTH_A_THREAD = 50_000_000;

const countOfAll = (shapes: readonly (readonly number[])[]): number =>
  shapes.reduce((sum, dims) => sum + countOf(dims), 0);

const trainingOf = <I extends string, T extends string>(
  network: Network<I, T>,
  data: NetworkData<I | T>,
  options: TrainingOptions,
  { engine }: TrainingContext,
  { compiled, answerBytes }: Program,
  session: Training['session'],
): Training => {
  const { batchSize } = compiled;
  const feed = new RowFeed({ ...network.inputs, ...network.targets }, data.training, engine.device);
  const drawn = countOfAll(compiled.draws.map(({ dims }) => dims));
  return {
    session,
    compiled,
    network,
    rows: data.training.count,
    feed,
    resident: residentFeeds(data.resident ?? {}),
    schedule: scheduleOf(options, Math.ceil(data.training.count / batchSize)),
    chunk: new ChunkSize(batchSize * (feed.bytesPerRow + 4) + answerBytes + 4 * drawn),
  };
};

interface Run {
  readonly network: Pick<Network, 'parameters' | 'buffers' | 'decayed'>;
  readonly data: NetworkData;
  readonly options: TrainingOptions;
  readonly context: TrainingContext;
  readonly training: Training;
  readonly evaluator: Evaluator;
  readonly breathe: () => Promise<void>;
}

const epochs = async (run: Run): Promise<TrainedMembers> => {
  const { options, context, training } = run;
  const layout = layoutOf(run);
  const latest = context.checkpoints?.latest ?? null;
  const saved = latest === null ? undefined : unpackState(layout, latest);
  const history: Epoch[] = [...(saved?.history ?? [])];
  const stopping = new EarlyStopping(options.patience, saved?.stopping);
  let plateau = saved?.plateau ?? PLATEAU_START;
  const members = Array.from(
    { length: options.members },
    (_, i) => new Member(training, context.seed, i, saved?.members[i]),
  );
  if (saved !== undefined)
    context.progress(history.length / options.epochs, [], `resumed after epoch ${history.length}`);
  while (history.length < options.epochs && !stopping.exhausted) {
    const epoch = history.length + 1;
    const figures = await oneEpoch(run, members, epoch, plateau.scale);
    if (!(figures.loss < EXPLODED) || !((figures.valLoss ?? 0) < EXPLODED)) throw notFinite(options, epoch);
    history.push(figures);
    stopping.consider(figures.valLoss, () => members.map(({ weights }) => weights));
    plateau = nextPlateau(options, plateau, figures.valLoss ?? figures.loss);
    context.progress(epoch / options.epochs, [figures]);
    const state = (): TrainingState => ({
      history,
      plateau,
      stopping: stopping.state,
      members: members.map((member) => member.saved),
    });
    context.checkpoints?.offer(() => packState(layout, state()));
    await run.breathe();
    if (context.enough?.() === true) break;
  }
  return { members: stopping.state.kept ?? members.map(({ weights }) => weights), history };
};

const oneEpoch = async (
  { network, data, options, evaluator, breathe }: Run,
  members: readonly Member[],
  epoch: number,
  scale: number,
): Promise<Epoch> => {
  const tally = data.tally?.('training');
  let loss = 0;
  for (const member of members) loss += (await member.epoch(epoch, tally, scale, breathe)) / members.length;
  const penalty = options.l2 === 0 ? 0 : options.l2 * meanSquares(network.decayed, members);
  const learned = tally === undefined ? { loss } : tally.scores(penalty);
  return epochOf(epoch, learned, await judged(data, evaluator, members, penalty));
};

/** Figures of the members' mean answer, or, without a tally, the mean of their losses. */
const judged = async (
  { validation, tally }: NetworkData,
  evaluator: Evaluator,
  members: readonly Member[],
  penalty: number,
): Promise<Scores | undefined> => {
  if (validation.count === 0) return undefined;
  let mean: Float32Array = new Float32Array(0);
  let loss = 0;
  for (const { weights } of members) {
    const one = await evaluator.judge(weights);
    if (mean.length === 0) mean = new Float32Array(one.answers.length);
    for (let i = 0; i < mean.length; i++) mean[i] += one.answers[i];
    loss += one.loss / members.length;
  }
  if (tally === undefined) return { loss: loss + penalty };
  for (let i = 0; i < mean.length; i++) mean[i] /= members.length;
  const figures = tally('validation');
  figures.add(
    mean,
    Int32Array.from({ length: validation.count }, (_, row) => row),
  );
  return figures.scores(penalty);
};

const meanSquares = (names: readonly string[], members: readonly Member[]): number => {
  const squares = (values: Float32Array = new Float32Array(0)): number =>
    values.reduce((sum, value) => sum + value * value, 0);
  const totals = members.map(({ weights }) => names.reduce((sum, name) => sum + squares(weights[name]), 0));
  return totals.reduce((sum, total) => sum + total, 0) / members.length;
};

const nextPlateau = ({ schedule }: TrainingOptions, plateau: Plateau, loss: number): Plateau =>
  schedule === 'plateau' ? afterValidation(plateau, loss, { patience: PLATEAU_PATIENCE }) : plateau;

const layoutOf = ({ network, options, context, data, training }: Run): Layout => ({
  fingerprint: JSON.stringify([
    network.parameters,
    network.buffers ?? null,
    options,
    context.seed,
    context.engine.device,
    context.checkpoints === undefined ? null : contentOf(data),
  ]),
  ...(options.precision === 'mixed' && { precision: 'mixed' }),
  state: training.compiled.state.map(({ input, dims }) => [input, countOf(dims)] as const),
  weights: Object.entries(weightShapes(network)).map(([name, dims]) => [name, countOf(dims)] as const),
});

/** So that a checkpoint of one fold is not taken for that of another. */
const contentOf = ({ training, validation, resident = {} }: NetworkData): string => {
  const hash = createHash('sha256');
  const arrays = [
    ...Object.values(training.columns),
    ...Object.values(validation.columns),
    ...Object.values(resident).map(({ data }) => data),
  ];
  for (const array of arrays) hash.update(array);
  return hash.digest('hex');
};

/** Guessing costs about 1: beyond this the weights are lost, even where float32 could still hold the loss. */
const EXPLODED = 1e12;

const notFinite = ({ learningRate, precision }: TrainingOptions, epoch: number): Failure => {
  const proposed = Number((learningRate / 10).toPrecision(2));
  return new Failure('LOSS_NOT_FINITE', `the loss exploded or is no longer a number in epoch ${epoch}`, {
    path: ['spec', 'learningRate'],
    hint: `lower the learning rate, for example to ${proposed}${precision === 'mixed' ? ', or take precision float32' : ''}`,
  });
};
