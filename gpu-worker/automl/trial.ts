/** One configuration on some of the folds: its score, its model, its answers for rows that it did not learn from. */
import { Failure, asFailure } from '../../contracts';
import type {
  ConcreteSpec,
  FoldScore,
  ModelSignature,
  SplitKind,
  TrialOutcome,
  TrialSpec,
} from '../../contracts';
import { modelBytes, op, permutation, randomKey } from '../../onnx';
import type { Value } from '../../onnx';
import { concatenated } from '../engine/concatenated';
import { asFloat32, withSession } from '../engine/onnxruntime';
import { trainConcrete } from '../family/concrete';
import type { TrainingContext, TrainingData } from '../family/data';
import type { Trained } from '../family/trained';
import { typedInputs } from '../prepare/graph';
import { rawFeeds } from '../prepare/matrix';
import type { Fold } from '../prepare/folds';
import type { SupervisedTarget } from '../prepare/target';
import { unionInputs } from './inputs';
import { meanOf, rowLosses } from './score';

/** Milliseconds, rising; a parameter so that a search can be tested without waiting. */
export type Clock = () => number;

export interface TrialFiles {
  /** Typed columns -> `output` [rows, width]: the mean over the folds. */
  readonly onnx: Uint8Array;
  /** Raw outputs for the validation rows of the folds, one fold after the other. */
  readonly predictions: Float32Array;
}

export interface TrialContext extends Pick<TrainingContext, 'seed' | 'engine' | 'signal'> {
  readonly clock: Clock;
  /** `fraction`: 0 to 1 over this trial. */
  readonly progress: (fraction: number) => void;
}

/**
 * Trains the folds of `trial` in their order; between folds, and within one where the family can, it ends when the time
 * is up. What the data or the configuration is to blame for is an outcome too; everything else is thrown, as is the abort.
 */
export const runTrial = async (
  data: FoldedData,
  trial: TrialSpec,
  context: TrialContext,
): Promise<{ readonly outcome: TrialOutcome; readonly files: TrialFiles | null }> => {
  const started = context.clock();
  const seconds = (): number => (context.clock() - started) / 1000;
  try {
    const made = await trainFolds(data, trial, context, seconds);
    const trained = seconds();
    const inputs = unionInputs(
      data.whole.columns,
      made.map(({ trained }) => trained.inputs),
    );
    const files: TrialFiles = {
      onnx: artefactOf(
        made.map(({ trained }) => trained),
        inputs,
      ),
      predictions: concatenated(
        made.map(({ outputs }) => outputs),
        Float32Array,
      ),
    };
    const speed = await microsPerRow(files.onnx, data.whole, context.clock);
    const outcome: TrialOutcome = {
      status: 'done',
      trial,
      folds: made.map(({ score }) => score),
      inputs,
      microsPerRow: speed,
      bytes: files.onnx.length,
      fileSeconds: seconds() - trained,
      seconds: seconds(),
    };
    return { outcome, files };
  } catch (error) {
    if (context.signal.aborted || !(error instanceof Failure) || error.policy.fault !== 'caller') throw error;
    const { code, message } = asFailure(error);
    return { outcome: { status: 'failed', trial, code, message, seconds: seconds() }, files: null };
  }
};

interface FoldModel {
  readonly trained: Trained;
  readonly outputs: Float32Array;
  readonly score: FoldScore;
}

const trainFolds = async (
  data: FoldedData,
  trial: TrialSpec,
  context: TrialContext,
  seconds: () => number,
): Promise<FoldModel[]> => {
  const made: FoldModel[] = [];
  const enough = (): boolean => trial.seconds !== null && seconds() >= trial.seconds;
  for (const [at, fold] of trial.folds.entries()) {
    if (made.length > 0 && enough()) break;
    const split = data.rows(fold, trial.rowShare);
    const trained = await trainConcrete(trial.spec, split, {
      seed: foldSeed(context.seed, trial, fold),
      engine: context.engine,
      signal: context.signal,
      progress: (fraction) => context.progress((at + fraction) / trial.folds.length),
      enough,
    });
    const outputs = await trained.predict(split.validation, context.signal);
    const losses = rowLosses(outputs, split.target, split.validation);
    const score = { fold, rows: losses.length, ...meanOf(losses), iterations: bestIteration(trained) };
    if (!Number.isFinite(score.loss))
      throw new Failure('LOSS_NOT_FINITE', `fold ${fold + 1} gave no finite loss`);
    made.push({ trained, outputs, score });
    context.progress((at + 1) / trial.folds.length);
  }
  return made;
};

const foldSeed = (seed: number, { candidate }: TrialSpec, fold: number): number =>
  randomKey(seed, 0x7a1, candidate, fold);

/** The epoch or round with the lowest validation loss. */
const bestIteration = ({ history }: Trained): number | null => {
  let best: { epoch: number; loss: number } | null = null;
  for (const { epoch, valLoss } of history)
    if (valLoss !== null && valLoss < (best?.loss ?? Infinity)) best = { epoch, loss: valLoss };
  return best?.epoch ?? null;
};

/** Typed columns -> `output`: the mean of `models`. */
export const artefactOf = (models: readonly Trained[], inputs: ModelSignature['inputs']): Uint8Array => {
  const columns = typedInputs(inputs);
  const outputs = models.map((model) => model.output(columns));
  const sum = outputs.reduce<Value | undefined>(
    (total, output) => (total === undefined ? output : op.Add(total, output)),
    undefined,
  );
  if (sum === undefined) throw new Error('a trial has a fold');
  const output = outputs.length === 1 ? sum : op.Mul(sum, 1 / outputs.length);
  return modelBytes({ name: 'trial', inputs: Object.values(columns), outputs: { output } });
};

/** Rows of the batch that serving speed is measured on: a few milliseconds. */
const TIMED_ROWS = 512;

const microsPerRow = async (onnx: Uint8Array, data: TrainingData, clock: Clock): Promise<number> =>
  withSession(onnx, {}, async (session) => {
    const rows = data.training.subarray(0, TIMED_ROWS);
    const feeds = rawFeeds(data.table, session.inputNames, rows);
    // The first run allocates.
    asFloat32((await session.run(feeds))['output']);
    const started = clock();
    await session.run(feeds);
    return ((clock() - started) * 1000) / rows.length;
  });

/** A table with its folds: splits are kept for the next candidate, which often asks for the same one. */
export class FoldedData {
  private readonly kept = new Map<number, TrainingData<SupervisedTarget>>();

  constructor(
    readonly whole: TrainingData<SupervisedTarget>,
    readonly folds: readonly Fold[],
    readonly split: SplitKind,
    private readonly seed: number,
  ) {}

  /** `share` of the training rows of a fold, all of its validation rows. */
  rows(fold: number, share: number): TrainingData<SupervisedTarget> {
    if (share < 1) return this.made(fold, share);
    const known = this.kept.get(fold);
    if (known !== undefined) return known;
    const made = this.made(fold, 1);
    if (this.whole.training.length > MOST_ROWS_KEPT) this.kept.clear();
    this.kept.set(fold, made);
    return made;
  }

  /** Validation rows of `fold`. */
  validation(fold: number): Int32Array {
    return this.rowsOf(fold).validation;
  }

  private made(fold: number, share: number): TrainingData<SupervisedTarget> {
    const { training, validation } = this.rowsOf(fold);
    if (share >= 1) return this.whole.split(training, validation);
    const kept = permutation(training.length, this.seed, fold)
      .subarray(0, Math.ceil(training.length * share))
      .sort();
    return this.whole.split(
      kept.map((at) => training[at] ?? 0),
      validation,
    );
  }

  private rowsOf(fold: number): Fold {
    const found = this.folds[fold];
    if (found === undefined) throw new Error(`there is no fold ${fold}`);
    return found;
  }
}

/** Beyond this the encoded rows of one fold are kept at a time, for the memory. */
const MOST_ROWS_KEPT = 20_000;

/** The spec that trains as long as the folds did on average, with no rows to stop by. */
export const refitSpec = (spec: ConcreteSpec, scores: readonly FoldScore[]): ConcreteSpec => {
  const iterations = scores.flatMap(({ iterations: some }) => some ?? []);
  if (iterations.length === 0) return spec;
  const mean = iterations.reduce((sum, one) => sum + one, 0) / iterations.length;
  const rounds = Math.max(1, Math.round(mean));
  if (spec.family === 'mlp') return { ...spec, epochs: rounds, patience: 0, validationFraction: 0 };
  if (spec.family === 'trees') return { ...spec, trees: rounds, patience: 0, validationFraction: 0 };
  return spec;
};
