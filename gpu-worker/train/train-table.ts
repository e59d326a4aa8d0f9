/** Everything between a table in memory and a verified file in memory. */
import { Failure } from '../../contracts';
import type {
  Comparison,
  GoldenRows,
  LearningTask,
  MetricsBySplit,
  ModelManifest,
  ModelSpec,
  TrainPayload,
} from '../../contracts';
import type { Table } from '../data/table';
import { costMatrix } from '../calibrate/decision';
import { fitPostProcessing, processed } from '../calibrate/post-processing';
import { chooseEngine } from '../engine/onnxruntime';
import { compareServed } from '../evaluate/champion';
import { baselineOf, metricsOf } from '../evaluate/evaluate';
import { predictedOf } from '../evaluate/predict';
import type { Predicted } from '../evaluate/predict';
import { goldenRows } from '../export/golden';
import { sealModel, signatureOf } from '../export/sealed';
import { serve } from '../export/served';
import type { Served } from '../export/served';
import { verify } from '../export/verify';
import { validationFractionOf } from '../family/concrete';
import type { Trained } from '../family/trained';
import { splitRows } from '../prepare/split';
import type { Split } from '../prepare/split';
import { columnNamed, fitTarget } from '../prepare/target';
import type { SupervisedTarget } from '../prepare/target';
import type { TaskIo } from '../task-io';
import { Assembly, featureColumns } from './assemble';
import { CODE_VERSION } from './code-version';
import { probeModel } from './probe';
import { checkedSpec } from './spec';
import { trainSpec } from './train-spec';

export type TrainRequest = Pick<
  TrainPayload,
  'target' | 'task' | 'holdout' | 'exclude' | 'spec' | 'seed' | 'device' | 'costs'
>;

export interface TrainVoice extends Pick<TaskIo, 'signal' | 'progress'> {
  /** The deployed file to compare with, if any. */
  readonly champion: Uint8Array | null;
}

export interface MadeModel {
  readonly onnx: Uint8Array;
  readonly golden: GoldenRows;
  readonly manifest: Omit<ModelManifest, 'v' | 'onnx' | 'golden' | 'data'>;
  readonly rows: { readonly trainRows: number; readonly validationRows: number; readonly testRows: number };
}

export const trainTable = async (table: Table, request: TrainRequest, io: TrainVoice): Promise<MadeModel> => {
  io.progress('PREPARING', 0.02);
  const spec = checkedSpec(request.spec, request.task);
  const task = supervised(request.task);
  const engine = await chooseEngine(request.device, probeModel());
  const split = splitRows(table, request.target, request.holdout, validationFraction(spec), request.seed);
  const target = fitTarget(columnNamed(table, request.target), task, split);
  const costs =
    request.costs === undefined || target.task === 'regression'
      ? undefined
      : costMatrix(request.costs, target.classes.length);
  const assembly = new Assembly(
    { table, columns: featureColumns(table, request), target, holdout: request.holdout, signal: io.signal },
    split.training,
    split.validation,
  );

  const started = performance.now();
  const trained = await trainSpec(spec, assembly, { seed: request.seed, engine, io });
  const trainingMs = performance.now() - started;

  io.progress('EVALUATING', 0.9);
  const { predicted, unseen } = await predictSplits(split, target, trained, io.signal);
  const post = fitPostProcessing(unseen, target, unseen.at, { costs, seed: request.seed });
  const answered = (of: Predicted): Predicted => processed(post, of, target);
  const tested = split.test.length > 0 ? split.test : split.validation;
  const metrics: MetricsBySplit = {
    train: metricsOf(answered(predicted.training), target, split.training),
    validation: metricsOf(answered(unseen), target, unseen.at),
    test: metricsOf(answered(predicted.test), target, split.test),
    baseline: baselineOf(target, tested),
  };

  io.progress('EXPORTING', 0.94);
  const onnx = sealModel(trained, target, post);

  io.progress('VERIFYING', 0.96);
  const checked = split.test.length > 0 ? split.test : split.training;
  const served = await serve(onnx, table, checked, io.signal);
  if (served === undefined)
    throw new Error('the exported file asks for a column that the data does not have');
  const verified = verify(
    served,
    answered(split.test.length > 0 ? predicted.test : predicted.training),
    target,
    post,
  );
  return {
    onnx,
    golden: goldenRows(table, trained.inputs, checked, served, target),
    manifest: {
      signature: signatureOf(trained, target, request.target, post),
      spec,
      chosen: trained.spec,
      seed: request.seed,
      engine,
      codeVersion: CODE_VERSION,
      metrics,
      history: [...trained.history],
      verified,
      comparison: await againstChampion(assembly, { request, split, target }, served, io),
      trainingMs,
      calibration: post.calibration,
      ...(post.costs && { costs: post.costs.map((row) => [...row]) }),
      ...(post.conformal && { conformal: post.conformal }),
    },
    rows: {
      trainRows: split.training.length,
      validationRows: split.validation.length,
      testRows: split.test.length,
    },
  };
};

/** A search needs enough rows to choose by. */
const AUTO_VALIDATION = 0.15;

const validationFraction = (spec: ModelSpec): number =>
  spec.family === 'auto' ? AUTO_VALIDATION : validationFractionOf(spec);

const supervised = (task: LearningTask): SupervisedTarget['task'] => {
  if (task === 'regression' || task === 'classification') return task;
  throw new Failure('BAD_SPEC', `no family can learn a ${task} yet`, { path: ['task'] });
};

const predictSplits = async (
  split: Split,
  target: SupervisedTarget,
  trained: Trained,
  signal: AbortSignal,
): Promise<{
  readonly predicted: Readonly<Record<'training' | 'test', Predicted>>;
  /** Answers for rows that were not learned from, and which rows of the table those are. */
  readonly unseen: Predicted & { readonly at: Int32Array };
}> => {
  const of = async (rows: Int32Array): Promise<Predicted> =>
    predictedOf(await trained.predict(rows, signal), target, rows.length);
  const { outOfSample } = trained;
  const unseen = outOfSample?.rows ?? split.validation;
  return {
    predicted: { training: await of(split.training), test: await of(split.test) },
    unseen: {
      at: unseen,
      ...(outOfSample === undefined
        ? await of(unseen)
        : predictedOf(outOfSample.outputs, target, unseen.length)),
    },
  };
};

const againstChampion = async (
  { table }: Assembly,
  asked: { request: TrainRequest; split: Split; target: SupervisedTarget },
  challenger: Served,
  io: TrainVoice,
): Promise<Comparison | null> => {
  const { request, split, target } = asked;
  if (io.champion === null || split.test.length === 0) return null;
  const champion = await serve(io.champion, table, split.test, io.signal);
  if (champion === undefined) return null;
  return compareServed(table, request.target, target, split.test, { champion, challenger }, request.seed);
};
