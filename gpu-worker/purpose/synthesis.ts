/** New rows like those of the data: how useful they are, and whether they give away the rows learned from. */
import { Failure } from '../../contracts';
import type { EvaluationReport } from '../../contracts';
import { input, modelBytes, op, permutation, randomKey } from '../../onnx';
import type { Value } from '../../onnx';
import { isoMicros } from '../../tabular';
import type { Column, Table } from '../data/table';
import { float32, withSession } from '../engine/onnxruntime';
import type { Tensor } from '../engine/onnxruntime';
import { bootstrapMetrics } from '../evaluate/bootstrap';
import { closerToLearned, closestDistances } from '../evaluate/synthesis';
import type { Served } from '../export/served';
import { TOLERANCE } from '../export/verify';
import { SEED_COLUMN } from '../family/gan/gan';
import type { GeneratedColumn } from '../family/gan/columns';
import { decoded } from '../family/gan/decode';
import type { Trained } from '../family/trained';
import { STANDARD } from '../prepare/encoding';
import { ROWS } from '../prepare/graph';
import { prepareMatrix } from '../prepare/matrix';
import { fitPreparation } from '../prepare/preparation';
import { MISSING_TIME } from '../prepare/time';
import type { TrainRequest } from '../train/train-table';
import type { Judged, Pose, Problem } from './purpose';
import { splitAll } from './split-all';
import { stacked, tableOfRows } from './made-rows';
import { usefulness } from './usefulness';

/** Output of a made-up column. */
export const ROW_OUTPUT = 'row/';
const MOST_COMPARED = 1000;
/** Abadie and Imbens 2008. */
const NO_PRIVACY_INTERVAL: EvaluationReport['leftOut'][number] = {
  section: 'interval of privacyDistance',
  why: 'it is about nearest rows, which rows drawn twice would be to each other: a bootstrap fails there',
};

export const synthesis: Pose = (table, request, spec) => {
  if (table.columns.some(({ spec: { name } }) => name === SEED_COLUMN.name))
    throw new Failure(
      'BAD_INPUT',
      `a column named ${SEED_COLUMN.name} stands where a request for rows has its own`,
      {
        hint: 'rename the column',
      },
    );
  // There is but one family, and nothing to choose.
  const split = splitAll(table, spec, request, 0);
  // Requests are rows, too: each asks for the row of its seed.
  const seeds: Column = {
    spec: { ...SEED_COLUMN, type: 'number' },
    kind: 'number',
    values: Float64Array.from({ length: table.rows }, (_, row) => row),
  };
  const asked: Table = { ...table, columns: [...table.columns, seeds] };
  const columns = [
    ...table.columns.filter(
      ({ spec: { name } }) => !request.exclude.includes(name) && name !== request.target,
    ),
    // The condition, unless another is named, is the last: the target.
    ...table.columns.filter(({ spec: { name } }) => name === request.target),
  ];
  const problem: Omit<Problem, 'judge'> = {
    table: asked,
    columns,
    target: { task: 'synthesis', labels: null },
    split,
  };
  return { ...problem, judge: (trained, signal) => judge(problem, table, trained, request, signal) };
};

const judge = async (
  { columns, split }: Omit<Problem, 'judge'>,
  table: Table,
  trained: Trained,
  request: TrainRequest,
  signal: AbortSignal,
): Promise<Judged> => {
  const generated = trained.generated ?? [];
  const checked = split.test.length > 0 ? split.test : split.training;
  const made = await decodeRows(generated, await trained.predict(checked, signal), signal);
  const rows = await decodeRows(generated, await trained.predict(split.training, signal), signal);
  const madeTable = tableOfRows(generated, rows, split.training.length);
  const useful = await usefulness(
    { real: table, made: madeTable, split, columns: columns.map(({ spec }) => spec.name) },
    request,
    signal,
  );
  const privacyDistance = await closeness(columns, table, madeTable, split, request.seed, signal);
  return {
    metrics: {
      train: {},
      validation: {},
      test: { ...useful?.test.metrics(), privacyDistance },
      baseline: useful?.baseline ?? {},
    },
    answer: (output) => answer(generated, output),
    signature: { classes: [], outputs: [], generated: generated.map(({ spec }) => spec) },
    checked,
    verify: (served) => verifyRows(served, made, checked.length),
    golden: (served, positions) => ({
      predictions: positions.map(() => 0),
      probabilities: null,
      generated: positions.map((at) =>
        Object.fromEntries(generated.map(({ spec }) => [spec.name, cellOf(served, spec.name, at)])),
      ),
    }),
    compare: () => null,
    findings: async (signal) => ({
      metrics: {
        ...(useful && (await bootstrapMetrics(useful.test, request.seed, signal))),
        ...(privacyDistance !== null && {
          privacyDistance: { value: privacyDistance, low: null, high: null },
        }),
      },
      leftOut: [NO_PRIVACY_INTERVAL],
    }),
    manifest: {},
  };
};

const answer = (generated: readonly GeneratedColumn[], output: Value): Record<string, Value> => {
  const width = Number(output.shape[1]) / 2;
  const [raw, uniform] = op.Split(output, [width, width], 1);
  if (raw === undefined || uniform === undefined) throw new Error('two halves');
  return Object.fromEntries(
    Object.entries(decoded(generated, raw, uniform)).map(([name, value]) => [`${ROW_OUTPUT}${name}`, value]),
  );
};

type MadeRows = Readonly<Record<string, Tensor['data']>>;

/** The trainer's own rows, from what its generator put out. */
const decodeRows = async (
  generated: readonly GeneratedColumn[],
  output: Float32Array,
  signal: AbortSignal,
): Promise<MadeRows> => {
  signal.throwIfAborted();
  const width = generated.reduce(
    (sum, column) => sum + (column.kind === 'category' ? column.values.length : column.missing > 0 ? 3 : 1),
    0,
  );
  const fed = input('output', 'float32', [ROWS, 2 * width]);
  const model = modelBytes({ name: 'decode', inputs: [fed], outputs: answer(generated, fed) });
  return withSession(model, {}, async (session) => {
    const answers = await session.run({ output: float32(output, [output.length / (2 * width), 2 * width]) });
    return Object.fromEntries(
      Object.entries(answers).map(([name, { data }]) => [name.slice(ROW_OUTPUT.length), data]),
    );
  });
};

const cellOf = ({ columns }: Served, name: string, at: number): string | number | null => {
  const cell: unknown = columns?.[`${ROW_OUTPUT}${name}`]?.[at];
  if (typeof cell === 'bigint') return cell === MISSING_TIME ? null : isoMicros(Number(cell));
  if (typeof cell === 'number') return Number.isNaN(cell) ? null : cell;
  return typeof cell === 'string' && cell !== '' ? cell : null;
};

const verifyRows = ({ columns }: Served, made: MadeRows, rows: number): ReturnType<Judged['verify']> => {
  let worst = 0;
  for (const [name, expected] of Object.entries(made)) {
    const got = columns?.[`${ROW_OUTPUT}${name}`];
    for (let row = 0; row < rows; row++) {
      const [one, other] = [got?.[row], (expected as ArrayLike<unknown>)[row]];
      const apart =
        typeof one === 'number' && typeof other === 'number'
          ? Number.isNaN(one) && Number.isNaN(other)
            ? 0
            : Math.abs(one - other) / Math.max(Math.abs(other), 1)
          : one === other
            ? 0
            : Infinity;
      if (!(apart <= worst)) worst = apart;
    }
  }
  if (!(worst <= TOLERANCE))
    throw new Failure(
      'VERIFY_FAILED',
      `the exported file does not make the rows that the trainer made: difference ${worst.toExponential(2)}`,
    );
  return { rows, maxRelativeError: worst, tolerance: TOLERANCE };
};

/** The share of made-up rows that are nearer to a row learned from than to one held out. */
const closeness = async (
  columns: readonly Column[],
  real: Table,
  made: Table,
  split: Problem['split'],
  seed: number,
  signal: AbortSignal,
): Promise<number | null> => {
  const count = Math.min(MOST_COMPARED, split.test.length, split.training.length);
  if (count === 0) return null;
  const preparation = fitPreparation(columns, split.training, STANDARD, null);
  const some = (rows: Int32Array, what: number): Int32Array =>
    permutation(rows.length, randomKey(seed, what), 0)
      .subarray(0, count)
      .map((at) => rows[at] ?? 0);
  const [learned, heldOut] = [some(split.training, 1), some(split.test, 2)];
  const all = stacked(
    real,
    learned,
    made,
    Int32Array.from({ length: count }, (_, row) => row),
  );
  const points = async (table: Table, rows: Int32Array) => prepareMatrix(table, preparation, rows, signal);
  const from = await points(
    all,
    Int32Array.from({ length: count }, (_, row) => count + row),
  );
  const toLearned = await closestDistances(from, await points(real, learned), signal);
  const toHeldOut = await closestDistances(from, await points(real, heldOut), signal);
  return closerToLearned(toLearned, toHeldOut)?.share ?? null;
};
