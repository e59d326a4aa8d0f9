import { createHash } from 'node:crypto';
import { randomKey, randomNormal } from '../../../onnx';
import { float64, openSessionCount, asFloat32, withSession } from '../../engine/onnxruntime';
import { prepareMatrix } from '../../prepare/matrix';
import { rowOrder, windowFeeds } from '../../prepare/window';
import {
  fitWindowPreparation,
  stepMatrix,
  windowFeatures,
  windowInputs,
  windowWidth,
} from '../../prepare/window-features';
import type { StepMatrix } from '../../prepare/window-features';
import { typedInputs } from '../../prepare/graph';
import { modelBytes } from '../../../onnx';
import type { Smoothing } from '../../../contracts';
import type { Table } from '../../data/table';
import { listener, request } from '../../testing/examples';
import { tableOf } from '../../testing/table';
import { trainTable } from '../../train/train-table';
import type { MadeModel } from '../../train/train-table';

const HOUR = 3_600_000_000;
const signal = new AbortController().signal;
const normal = (stream: number, i: number): number => randomNormal(randomKey(11, stream), i);

/** 20 units of 30 rows; `y` is the sum of the last three `x` of the unit: no single row tells it. Every fifth unit is held out. */
const sequences = (): Table => {
  const rows = 600;
  const unit = (row: number): number => Math.floor(row / 30);
  const x = Array.from({ length: rows }, (_, row) => normal(1, row));
  const y = x.map((_, row) =>
    [0, 1, 2].reduce((sum, back) => sum + (row % 30 >= back ? x[row - back] : 0), 0),
  );
  return tableOf(
    {
      unit: x.map((_, row) => unit(row)),
      cycle: x.map((_, row) => row % 30),
      x: x.map((value, row) => (row % 41 === 7 ? null : value)),
      kind: x.map((_, row) => ['a', 'b'][row % 2]),
      y,
      high: y.map((value) => (value > 0 ? 'yes' : 'no')),
    },
    (row) => unit(row) % 5 === 0,
  );
};

const window = { length: 4, order: 'cycle', group: 'unit' };
const quick = { hidden: 16, epochs: 12, learningRate: 0.02, batchSize: 32 };
const sequence = (
  spec: Record<string, unknown>,
  more: Parameters<typeof request>[1] = {},
): Promise<MadeModel> =>
  trainTable(sequences(), request({ window, ...spec }, { exclude: ['high'], ...more }), listener());

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

afterEach(() => expect(openSessionCount()).toBe(0));

describe('windows as features', () => {
  it.each<[string, Smoothing | undefined]>([
    ['as they are', undefined],
    ['by a median', { kind: 'median', length: 3 }],
    ['by an exponential filter', { kind: 'exponential', share: 0.5 }],
  ])('are the same from the file and from the steps that training reads, %s', async (_, smooth) => {
    const table = sequences();
    // A unit whose first two values are missing, and one without any.
    for (const column of table.columns)
      if (column.kind === 'number' && column.spec.name === 'x')
        column.values.fill(NaN, 90, 92).fill(NaN, 120, 150);
    const order = rowOrder(table, 'cycle', 'unit');
    const learned = Int32Array.from({ length: 600 }, (_, row) => row);
    const columns = table.columns.filter(({ spec: { name } }) => ['cycle', 'x', 'kind'].includes(name));
    const preparation = fitWindowPreparation(columns, learned, { length: 4, smooth });
    expect(preparation.gaps).toEqual(['x']);
    const inputs = typedInputs(windowInputs(preparation));
    const bytes = modelBytes({
      name: 'windows',
      inputs: Object.values(inputs),
      outputs: { y: windowFeatures(preparation, inputs) },
    });
    // A filter looks back beyond windows that begin later than their unit.
    const rows = Int32Array.of(0, 1, 31, 32, 90, 91, 92, 93, 120, 123, 8, 9, 94, 95, 599).filter(
      (row) => smooth === undefined || row % 30 < 4,
    );
    const fed = columns.map(({ spec }) => ({ name: spec.name, window: 4 }));
    const answer = await withSession(bytes, {}, (session) =>
      session.run(windowFeeds(table, fed, order, rows)),
    );
    const { values, width, step } = await stepMatrix(table, preparation, order, () => false, signal);
    expect(width).toBe(windowWidth(preparation));
    const cut = [...rows].flatMap((row) => [
      ...values.subarray((step[row] - 3) * width, (step[row] + 1) * width),
    ]);
    expect([...asFloat32(answer['y'])]).toEqual(cut);
    if (smooth !== undefined) return;
    const plain = await prepareMatrix(table, preparation.base, Int32Array.of(599), signal);
    expect(cut.slice(-width, -1)).toEqual([...plain.values]);
  });

  it('hide held-out rows from what training reads', async () => {
    const table = sequences();
    const order = rowOrder(table, 'cycle', 'unit');
    const columns = table.columns.filter(({ spec: { name } }) => name === 'x');
    const preparation = fitWindowPreparation(columns, Int32Array.of(30, 31, 32), { length: 4 });
    const matrix = await stepMatrix(table, preparation, order, (row) => row === 33, signal);
    const at = (row: number): number => matrix.values[matrix.step[row] * matrix.width];
    expect(at(33)).toBe(at(32));
  });

  it('show no row a value that comes after it', async () => {
    const table = sequences();
    const order = rowOrder(table, 'cycle', 'unit');
    const columns = table.columns.filter(({ spec: { name } }) => name === 'x');
    const smooth = { kind: 'exponential', share: 0.5 } as const;
    const preparation = fitWindowPreparation(columns, Int32Array.of(30, 31, 32), { length: 4, smooth });
    const matrixOf = (hidden: (row: number) => boolean) =>
      stepMatrix(table, preparation, order, hidden, signal);
    // The first two rows of a unit are not known: the third is, and the two do not show it.
    const late = await matrixOf((row) => row === 30 || row === 31);
    const never = await matrixOf((row) => row >= 30 && row < 60);
    const windowOf = ({ values, step, width }: StepMatrix, row: number): Float32Array =>
      values.slice((step[row] - 3) * width, (step[row] + 1) * width);
    expect([...windowOf(late, 31)]).toEqual([...windowOf(never, 31)]);
    expect([...windowOf(late, 32)].slice(-1)).not.toEqual([...windowOf(never, 32)].slice(-1));
    for (const value of late.values) expect(value).not.toBeNaN();
  });
});

describe.each([
  ['gru', { family: 'rnn', ...quick }],
  ['lstm of two layers', { family: 'rnn', cell: 'lstm', layers: 2, dropout: 0.1, ...quick }],
  ['cnn', { family: 'cnn', filters: [16, 16], hidden: [16], epochs: 12, learningRate: 0.01, batchSize: 32 }],
  [
    'transformer',
    { family: 'transformer', patch: 1, stride: 1, dropout: 0, epochs: 12, learningRate: 0.01, batchSize: 32 },
  ],
])('%s', (_name, spec) => {
  it('learns what only the rows before tell, and is served by fused operators', async () => {
    const made = await sequence(spec);
    expect(made.manifest.metrics.test['rmse']).toBeLessThan(
      0.45 * (made.manifest.metrics.baseline['rmse'] ?? 0),
    );
    expect(made.manifest.verified.maxRelativeError).toBeLessThan(1e-5);
    expect(made.manifest.signature).toMatchObject({
      window: { order: 'cycle', group: 'unit' },
      inputs: [
        { spec: { name: 'cycle' }, window: 4 },
        { spec: { name: 'x' }, window: 4 },
        { spec: { name: 'kind' }, window: 4 },
      ],
    });
    // 20 units without the held-out ones: whole units judge.
    expect(made.rows.validationRows % 30).toBe(0);
    expect(made.golden.rows[0]['x']).toHaveLength(4);
    expect(
      Buffer.from(made.onnx).includes(String(spec.family === 'rnn' && ('cell' in spec ? 'LSTM' : 'GRU'))),
    ).toBe(spec.family === 'rnn');
  });

  it('the same seed gives the same bytes', async () => {
    const short = { ...spec, epochs: 2 };
    const [first, second] = [await sequence(short), await sequence(short)];
    expect(sha256(second.onnx)).toBe(sha256(first.onnx));
  });
});

it('a classification of sequences gives probabilities', async () => {
  const spec = { family: 'rnn', ...quick };
  const { manifest } = await sequence(spec, { task: 'classification', target: 'high', exclude: ['y'] });
  expect(manifest.metrics.test['accuracy']).toBeGreaterThan(0.8);
  expect(manifest.signature.classes).toEqual(['no', 'yes']);
});

it('a network forecasts at least as well as the line that it starts from', async () => {
  const rows = 400;
  const micros = Array.from({ length: rows }, (_, hour) => hour * HOUR);
  const y = micros.map((_, i) => 5 * Math.sin((2 * Math.PI * i) / 24) + 0.5 * normal(2, i));
  const table = tableOf({ t: { micros }, y }, (row) => row >= 328);
  const holdout = { kind: 'time', column: 't', fromMicros: micros[328], toMicros: micros[399] } as const;
  const test = async (spec: Record<string, unknown>): Promise<MadeModel['manifest']> => {
    const asked = request(
      { ...spec, forecast: { horizon: 12, lookback: 48 } },
      { task: 'forecast', holdout },
    );
    return (await trainTable(table, asked, listener())).manifest;
  };
  const mae = ({ metrics }: MadeModel['manifest']): number => metrics.test['mae'] ?? NaN;
  const line = await test({ family: 'linear' });
  for (const spec of [
    { family: 'rnn', hidden: 16, epochs: 4 },
    { family: 'transformer', epochs: 4 },
  ]) {
    const network = await test(spec);
    expect(mae(network)).toBeLessThan(1.1 * mae(line));
    expect(mae(network)).toBeLessThan(network.metrics.baseline['mae'] ?? 0);
    expect(network.metrics.test['coverage']).toBeGreaterThan(0.6);
  }
});

it('a window of missing values is answered', async () => {
  const made = await sequence({ family: 'rnn', ...quick, epochs: 1 }, { exclude: ['high', 'kind'] });
  await withSession(made.onnx, {}, async (session) => {
    const missing = float64(new Float64Array(4).fill(NaN), [1, 4]);
    const answer = await session.run({ cycle: missing, x: missing });
    expect(asFloat32(answer['prediction'])[0]).not.toBeNaN();
  });
});

it.each([
  [{ family: 'rnn', window: undefined }, ['window']],
  [{ family: 'transformer', heads: 3 }, ['heads']],
  [{ family: 'rnn', learningRate: -1 }, ['learningRate']],
  [{ family: 'rnn', window: { length: 1, order: 'cycle' } }, ['window', 'length']],
])('%j is BAD_SPEC and says where', async (spec, path) => {
  await expect(sequence(spec)).rejects.toMatchObject({ code: 'BAD_SPEC', path: ['spec', ...path] });
});
