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
import { Sections } from '../evaluate/budget';
import { heldOutWarnings } from '../evaluate/held-out';
import { basicReport, NOTHING_HELD_OUT, withFindings } from '../evaluate/report';
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
import { inTime, storingMs } from './in-time';
import { withPrecision } from './precision';
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
  /** Milliseconds until the task is ended; left out: no end is set. */
  readonly leftMs?: () => number;
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

  const settled = await withPrecision(spec, engine, io.checkpoints?.latest ?? null);
  const started = performance.now();
  const learned = await trainSpec(settled, data, { seed: request.seed, engine, io });
  const trainingMs = performance.now() - started;

  const leftMs = io.leftMs ?? (() => Infinity);
  const { made, leftOut } = await inTime(learned, leftMs, io.signal, (one, signal, silent) =>
    verifiedFile(problem, one, {
      ...{ signal, leftMs },
      progress: (...news) => {
        if (silent === undefined) io.progress(...news);
      },
    }),
  );
  const { trained, judged, onnx, served, verified } = made;
  const operators = foreignOperators(onnx);
  const madeMs = performance.now() - started - trainingMs;
  const optional = new Sections(io.signal, leftMs() - storingMs(onnx) - OPENING_SHARE * madeMs);
  const { champion } = io;
  const comparison =
    champion === null || split.test.length === 0
      ? null
      : await optional.make('comparison', () => against(champion, problem, judged, served, optional.signal));
  io.progress('VERIFYING', 0.97, { message: 'the report' });
  const evaluation =
    (await judged.evaluate?.(onnx, served, optional)) ??
    withFindings(
      basicReport({
        ...{ task: target.task, targetName: request.target, metrics: judged.metrics, trained },
        testRows: split.test.length,
        sensitive: request.sensitive ?? [],
      }),
      split.test.length > 0
        ? ((await optional.make('all', async () => judged.findings?.(optional.signal))) ?? null)
        : NOTHING_HELD_OUT,
    );
  const warnings = heldOutWarnings(problem, request.holdout, spec);
  return {
    onnx,
    evaluation: {
      ...evaluation,
      ...(warnings.length > 0 && { warnings }),
      leftOut: [...leftOut, ...evaluation.leftOut, ...optional.leftOut],
    },
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
      comparison,
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

interface VerifiedFile {
  readonly trained: Trained;
  readonly judged: Judged;
  readonly onnx: Uint8Array;
  readonly served: Served;
  readonly verified: ModelManifest['verified'];
}

/** From what was learned to a file that is known to answer as it should. */
const verifiedFile = async (
  problem: Problem,
  trained: Trained,
  { signal, leftMs, progress }: Pick<TaskIo, 'signal' | 'progress'> & { readonly leftMs: () => number },
): Promise<VerifiedFile> => {
  progress('EVALUATING', 0.9);
  const judged = await problem.judge(trained, signal, leftMs);
  progress('EXPORTING', 0.94);
  const onnx = sealModel(trained, (output) => judged.answer(output));
  signal.throwIfAborted();
  progress('VERIFYING', 0.96);
  const served = await serve(onnx, problem.table, judged.checked, signal, { order: problem.order });
  if (served === undefined)
    throw new Error('the exported file asks for a column that the data does not have');
  return { trained, judged, onnx, served, verified: judged.verify(served) };
};

/** Of the time that making the file took: opening it once more for the report, which nothing can interrupt. */
const OPENING_SHARE = 0.25;

const against = async (
  champion: Uint8Array,
  { table, order }: Problem,
  judged: Judged,
  challenger: Served,
  signal: AbortSignal,
): Promise<Comparison | null> => {
  const answers = await serve(champion, table, judged.checked, signal, { order });
  return answers === undefined ? null : judged.compare(answers, challenger);
};
