/** Everything between a table in memory and a verified file in memory. */
import type {
  AutoSpec,
  Comparison,
  EvaluationReport,
  GoldenRows,
  ModelManifest,
  TrainPayload,
} from '../../contracts';
import type { Table } from '../data/table';
import { chooseEngine } from '../engine/engine';
import { basicReport, NOTHING_HELD_OUT } from '../evaluate/report';
import { goldenRows } from '../export/golden';
import { foreignOperators } from '../export/operators';
import { sealModel } from '../export/sealed';
import { serve } from '../export/served';
import type { Served } from '../export/served';
import type { Checkpoints, TrainingContext, TrainingData } from '../family/data';
import type { Trained } from '../family/trained';
import type { SupervisedTarget } from '../prepare/target';
import { pose } from '../purpose';
import type { Judged, Problem } from '../purpose/purpose';
import type { TaskIo } from '../task-io';
import { Assembly } from './assemble';
import { CODE_VERSION } from './code-version';
import { checkedSpec } from './spec';
import { trainSpec } from './train-spec';

export type TrainRequest = Pick<
  TrainPayload,
  'target' | 'task' | 'holdout' | 'exclude' | 'spec' | 'seed' | 'device' | 'engine' | 'costs' | 'sensitive'
>;

export interface TrainVoice extends Pick<TaskIo, 'signal' | 'progress'> {
  /** The deployed file to compare with, if any. */
  readonly champion: Uint8Array | null;
  /** Where an earlier attempt was; left out: from the start. */
  readonly checkpoints?: Checkpoints;
  /** True once it is time to end with the best so far; left out: never. */
  readonly enough?: () => boolean;
  /** How `auto` comes to its model; a search in this process where nothing else is said. */
  readonly search?: Searcher;
}

export type Searcher = (
  data: TrainingData<SupervisedTarget>,
  spec: AutoSpec,
  context: TrainingContext,
) => Promise<Trained>;

export interface MadeModel {
  readonly onnx: Uint8Array;
  readonly golden: GoldenRows;
  readonly evaluation: EvaluationReport;
  readonly manifest: Omit<ModelManifest, 'v' | 'onnx' | 'golden' | 'data'>;
  readonly rows: { readonly trainRows: number; readonly validationRows: number; readonly testRows: number };
}

export const trainTable = async (table: Table, request: TrainRequest, io: TrainVoice): Promise<MadeModel> => {
  io.progress('PREPARING', 0.02);
  const spec = checkedSpec(request.spec, request.task);
  const engine = await chooseEngine(request.device, request.engine);
  const problem = pose(table, request, spec);
  const { split, target } = problem;
  const data = new Assembly(
    { ...problem, holdout: request.holdout, signal: io.signal },
    split.training,
    split.validation,
  );

  const started = performance.now();
  const trained = await trainSpec(spec, data, { seed: request.seed, engine, io });
  const trainingMs = performance.now() - started;

  io.progress('EVALUATING', 0.9);
  const judged = await problem.judge(trained, io.signal);

  io.progress('EXPORTING', 0.94);
  const onnx = sealModel(trained, (output) => judged.answer(output));

  const operators = foreignOperators(onnx);

  io.progress('VERIFYING', 0.96);
  const served = await serve(onnx, problem.table, judged.checked, io.signal, { order: problem.order });
  if (served === undefined)
    throw new Error('the exported file asks for a column that the data does not have');
  const verified = judged.verify(served);
  io.progress('VERIFYING', 0.97, { message: 'the report' });
  const evaluation = (await judged.evaluate?.(onnx, served, io.signal)) ?? {
    ...basicReport({
      ...{ task: target.task, targetName: request.target, metrics: judged.metrics },
      history: trained.history,
      testRows: split.test.length,
    }),
    ...(split.test.length > 0 ? await judged.findings?.(io.signal) : NOTHING_HELD_OUT),
  };
  return {
    onnx,
    evaluation,
    golden: goldenRows(
      problem.table,
      trained.inputs,
      judged.checked,
      served,
      (of, positions) => judged.golden(of, positions),
      problem.order,
    ),
    manifest: {
      signature: {
        v: 1,
        task: target.task,
        target: request.target,
        inputs: trained.inputs,
        ...judged.signature,
      },
      spec,
      chosen: trained.spec,
      seed: request.seed,
      engine,
      codeVersion: CODE_VERSION,
      metrics: judged.metrics,
      history: [...trained.history],
      verified,
      comparison: await againstChampion(problem, judged, served, io),
      trainingMs,
      ...(operators.length > 0 && { operators }),
      ...judged.manifest,
    },
    rows: {
      trainRows: split.training.length,
      validationRows: split.validation.length,
      testRows: split.test.length,
    },
  };
};

const againstChampion = async (
  { table, split, order }: Problem,
  judged: Judged,
  challenger: Served,
  io: TrainVoice,
): Promise<Comparison | null> => {
  if (io.champion === null || split.test.length === 0) return null;
  const champion = await serve(io.champion, table, judged.checked, io.signal, { order });
  return champion === undefined ? null : judged.compare(champion, challenger);
};
