import { randomKey, randomNormal } from '../../onnx';
import { openSessionCount } from '../engine/onnxruntime';
import { lagsOf } from '../prepare/lags';
import { listener, request } from '../testing/examples';
import { tableOf } from '../testing/table';
import { trainTable } from '../train/train-table';
import type { MadeModel } from '../train/train-table';

const normal = (stream: number, i: number): number => randomNormal(randomKey(12, stream), i);
const UNIT = 30;

/** 20 units of 30 rows; `y` is what a slow signal is now and was three rows ago. `x` shows it with noise and wild values. */
const signals = (wild = 0) => {
  const rows = 20 * UNIT;
  const unit = (row: number): number => Math.floor(row / UNIT);
  const clean = Array.from(
    { length: rows },
    (_, row) => normal(1, unit(row)) + Math.sin(row / 3 + unit(row)),
  );
  const before = (row: number): number => clean[row % UNIT >= 3 ? row - 3 : row];
  return tableOf(
    {
      unit: clean.map((_, row) => unit(row)),
      cycle: clean.map((_, row) => row % UNIT),
      x: clean.map((value, row) => (row % 41 === 7 ? null : row % 5 === 2 ? value + wild : value)),
      kind: clean.map((_, row) => ['a', 'b'][row % 2]),
      y: clean.map((value, row) => value - 2 * before(row)),
    },
    (row) => unit(row) % 5 === 0,
  );
};

const window = { length: 6, order: 'cycle', group: 'unit' };
const train = (spec: Record<string, unknown>, wild = 0): Promise<MadeModel> =>
  trainTable(signals(wild), request({ window, ...spec }), listener());
const rmse = ({ manifest }: MadeModel): number => manifest.metrics.test['rmse'] ?? NaN;

afterEach(() => expect(openSessionCount()).toBe(0));

describe('models of single rows with a window', () => {
  it.each([
    { family: 'linear' },
    { family: 'trees', trees: 200, minRows: 5 },
    { family: 'mlp', hidden: [32], epochs: 60, learningRate: 0.01 },
  ])('$family reads lags of the numbers, and the file makes them itself', async (spec) => {
    const made = await train(spec);
    const alone = await train({ ...spec, window: undefined });
    expect(rmse(made)).toBeLessThan(0.6 * rmse(alone));
    expect(made.manifest.verified.maxRelativeError).toBeLessThan(1e-5);
    expect(made.manifest.signature).toMatchObject({
      window: { order: 'cycle', group: 'unit' },
      inputs: [
        { spec: { name: 'cycle' } },
        { spec: { name: 'x' }, window: 6 },
        { spec: { name: 'kind' } },
      ].slice(0, made.manifest.signature.inputs.length),
    });
    expect(made.golden.rows[0]['x']).toHaveLength(6);
    expect(made.golden.rows[0]['kind']).toMatch(/^[ab]$/);
  });

  it('a median filter takes out wild values, an exponential one noise', async () => {
    const spec = { family: 'linear' };
    const plain = rmse(await train(spec, 40));
    const filtered = await train(
      { ...spec, window: { ...window, smooth: { kind: 'median', length: 3 } } },
      40,
    );
    expect(rmse(filtered)).toBeLessThan(0.8 * plain);
    const smooth = { kind: 'exponential', share: 0.5 };
    const made = await train({ family: 'trees', trees: 20, window: { ...window, smooth } });
    expect(made.manifest.verified.maxRelativeError).toBeLessThan(1e-5);
    const network = await train({ family: 'rnn', hidden: 8, epochs: 1, window: { ...window, smooth } });
    expect(network.manifest.verified.maxRelativeError).toBeLessThan(1e-5);
  });

  it('Shapley values of a forest are about columns of the data, and add up', async () => {
    const { evaluation } = await train({ family: 'trees', trees: 50 });
    expect(evaluation.shapley?.method).toBe('exact');
    expect(evaluation.shapley?.summary.map(({ column }) => column).sort()).toEqual(['cycle', 'kind', 'x']);
    for (const { base, output, values } of evaluation.shapley?.rows ?? [])
      expect(values.reduce((sum, value) => sum + value, base)).toBeCloseTo(output, 3);
  });

  it.each([
    [{ length: 300, order: 'cycle' }, ['length']],
    [{ length: 4, order: 'cycle', smooth: { kind: 'median', length: 4 } }, ['smooth', 'length']],
    [{ length: 4, order: 'cycle', smooth: { kind: 'mean' } }, ['smooth']],
  ])('%j is BAD_SPEC and says where', async (asked, path) => {
    await expect(train({ family: 'linear', window: asked })).rejects.toMatchObject({
      code: 'BAD_SPEC',
      path: expect.arrayContaining(['spec', 'window', ...path]) as string[],
    });
  });

  it('a column with the name of one that is made is BAD_SPEC', async () => {
    const [x, y] = [0, 1].map((from) => Array.from({ length: 100 }, (_, row) => row + from));
    const table = tableOf({ cycle: x, x, 'x, mean': y, y }, (row) => row % 5 === 0);
    const asked = request({ family: 'linear', window: { length: 3, order: 'cycle' } });
    await expect(trainTable(table, asked, listener())).rejects.toMatchObject({
      code: 'BAD_SPEC',
      message: expect.stringContaining('"x, mean"') as string,
    });
  });

  it('no column of a window can be monotone', async () => {
    await expect(train({ family: 'trees', monotone: { x: 1 } })).rejects.toMatchObject({
      code: 'BAD_SPEC',
      path: ['spec', 'window'],
    });
  });
});

it('lags stand close together where they are recent, and reach the end of the window', () => {
  expect(lagsOf(6, 100)).toEqual([0, 1, 2, 3, 4, 5]);
  const lags = lagsOf(256, 100);
  expect(lags.slice(0, 5)).toEqual([0, 1, 2, 3, 4]);
  expect(lags.at(-1)).toBe(255);
  expect(lags.length).toBeLessThanOrEqual(32);
});
