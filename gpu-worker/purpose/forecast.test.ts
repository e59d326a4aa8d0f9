import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dataFile } from '../../test/support/data';
import { randomKey, randomNormal } from '../../onnx';
import { modelCardMarkdown } from '../evaluate/model-card';
import type { CardManifest } from '../evaluate/model-card';
import { asFloat32, float64, openSessionCount, withSession } from '../engine/onnxruntime';
import type { Table } from '../data/table';
import { listener, request } from '../testing/examples';
import { tableOf } from '../testing/table';
import type { Cells } from '../testing/table';
import { trainTable } from '../train/train-table';
import type { MadeModel } from '../train/train-table';

const HOUR = 3_600_000_000;
const noise = (i: number): number => randomNormal(randomKey(3, 1), i);

const hourly = (
  columns: (hour: number) => Record<string, number | string | null>,
  rows: number,
  held: number,
): Table => {
  const made = Array.from({ length: rows }, (_, hour) => columns(hour));
  const cells = Object.keys(made[0]).map((name): [string, Cells] => [
    name,
    made.map((row) => row[name]) as (number | null)[],
  ]);
  const micros = Array.from({ length: rows }, (_, hour) => hour * HOUR);
  return tableOf({ t: { micros }, ...Object.fromEntries(cells) }, (row) => row >= rows - held);
};

const wave = (rows = 600): Table =>
  hourly(
    (hour) => ({ y: 50 + 10 * Math.sin((2 * Math.PI * hour) / 24) + hour / 50 + noise(hour) }),
    rows,
    96,
  );

const ask = (table: Table, spec: Record<string, unknown>, more: Parameters<typeof request>[1] = {}) => {
  const [time] = table.columns;
  const held = 'values' in time ? time.values.filter((_, row) => table.holdout[row] === 1) : [];
  const [fromMicros, toMicros] = [Math.min(...held), Math.max(...held)];
  const holdout = { kind: 'time', column: time.spec.name, fromMicros, toMicros } as const;
  return request(spec, { task: 'forecast', holdout, ...more });
};

const train = (
  table: Table,
  spec: Record<string, unknown>,
  more: Parameters<typeof request>[1] = {},
): Promise<MadeModel> => trainTable(table, ask(table, spec, more), listener());

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

afterEach(() => expect(openSessionCount()).toBe(0));

describe('a forecast', () => {
  it('beats the seasonal-naive forecast on a noisy wave, with quantiles that hold', async () => {
    const made = await train(wave(), { family: 'linear', forecast: { horizon: 24, lookback: 72 } });
    const { metrics, signature, forecast, verified } = made.manifest;
    expect(metrics.test['mae']).toBeLessThan(0.85 * (metrics.baseline['mae'] ?? 0));
    expect(metrics.test['mase']).toBeLessThan(1);
    expect(metrics.test['coverage']).toBeGreaterThan(0.65);
    expect(metrics.test['coverage']).toBeLessThan(0.95);
    expect(signature).toMatchObject({
      task: 'forecast',
      outputs: ['prediction', 'quantiles'],
      window: { order: 't', group: null, step: { unit: 'micros', count: HOUR } },
      ...{ horizon: 24, targets: ['y'], levels: [0.1, 0.5, 0.9], classes: [] },
    });
    expect(signature.inputs).toMatchObject([{ spec: { name: 'y' }, window: forecast?.lookback }]);
    expect(forecast).toMatchObject({ season: 24, warnings: [] });
    expect(forecast?.byHorizon).toHaveLength(24);
    expect(forecast?.backtests.length).toBeGreaterThan(2);
    expect(verified.rows).toBe(made.rows.testRows);
    const [answer] = made.golden.forecasts ?? [];
    expect(answer.prediction).toHaveLength(24);
    for (const [[low, middle, high]] of answer.quantiles) {
      expect(low).toBeLessThanOrEqual(middle);
      expect(middle).toBeLessThanOrEqual(high);
    }
    expect(made.golden.rows[0]['y']).toHaveLength(forecast?.lookback ?? 0);
    // 73 held-out windows of 24 steps are three that do not overlap.
    expect(made.evaluation.metrics['mae']).toEqual({ value: metrics.test['mae'], low: null, high: null });
    expect(made.evaluation.leftOut.map(({ section }) => section)).toEqual([
      ...['learningCurve', 'slices', 'importance', 'shapley', 'partialDependence', 'fairness'],
      'intervals of metrics',
    ]);
    const [low, middle, high] = [0, 4, 8].map((at) => made.evaluation.residuals?.quantiles[at] ?? NaN);
    expect(low).toBeLessThan(middle);
    expect(middle).toBeLessThan(high);
  });

  it('has intervals in its report, and how often each quantile kept its promise', async () => {
    const { evaluation, manifest } = await train(wave(), {
      family: 'linear',
      forecast: { horizon: 4, lookback: 72 },
    });
    for (const [name, { value, low, high }] of Object.entries(evaluation.metrics)) {
      expect(value).toBe(manifest.metrics.test[name]);
      expect(low).toBeLessThanOrEqual(value);
      expect(high).toBeGreaterThanOrEqual(value);
    }
    expect(Object.keys(evaluation.metrics)).toEqual(expect.arrayContaining(['mae', 'mase', 'quantileLoss']));
    expect(evaluation.conformal?.fit).toMatchObject({ kind: 'quantiles' });
    for (const { level, inside } of evaluation.conformal?.coverage ?? []) {
      expect(inside.low).toBeLessThanOrEqual(level);
      expect(inside.high).toBeGreaterThanOrEqual(level);
    }
    const file = { key: 'model', sha256: 'a'.repeat(64), sizeBytes: 1 };
    const data = { ...file, trainRows: 1, validationRows: 1, testRows: 1 };
    const card = modelCardMarkdown(evaluation, { ...manifest, onnx: file, data } as unknown as CardManifest);
    expect(card).toContain('| promised | at or below it | mean distance above the forecast |');
    const [first] = manifest.forecast?.byHorizon ?? [];
    expect(card).toContain('A season is 24 steps, and the last 72 are read. Errors of held-out windows');
    expect(card).toContain(`\n| 1 | ${Number(first.mae?.toPrecision(4))} |`);
    const [backtest] = manifest.forecast?.backtests ?? [];
    expect(card).toContain(`\n| ${new Date(backtest.fromMicros / 1000).toISOString().slice(0, 10)}`);
    expect(card).toMatch(/\| 90 % \| [\d.]+ % \([\d.]+ % to [\d.]+ %\) \|/);
  });

  it('the same data and spec give the same bytes', async () => {
    const spec = { family: 'linear', forecast: { lookback: 30 } };
    const [first, second] = [await train(wave(), spec), await train(wave(), spec)];
    expect(sha256(second.onnx)).toBe(sha256(first.onnx));
    expect(second.manifest.forecast).toMatchObject({ season: 24 });
    expect(second.manifest.signature.horizon).toBe(24);
  });

  it('auto tries the families and keeps the line unless a network is clearly better', async () => {
    const auto = { family: 'auto', forecast: { horizon: 12, lookback: 48 } };
    const { spec, chosen, metrics } = (await train(wave(), { ...auto, trials: 2, seconds: null })).manifest;
    expect(spec.family).toBe('auto');
    expect(['linear', 'transformer']).toContain(chosen.family);
    expect(metrics.test['mase']).toBeLessThan(1);
    expect((await train(wave(), { ...auto, seconds: 0.001 })).manifest.chosen.family).toBe('linear');
  });

  it('several targets and series of one table are forecast together', async () => {
    const rows = 2 * 300;
    const hour = (row: number): number => row >> 1;
    const value = (row: number): number =>
      Math.sin((2 * Math.PI * hour(row)) / 24) * (1 + (row % 2)) + 0.1 * noise(row);
    const table = tableOf(
      {
        t: { micros: Array.from({ length: rows }, (_, row) => hour(row) * HOUR) },
        shop: Array.from({ length: rows }, (_, row) => ['north', 'south'][row % 2]),
        y: Array.from({ length: rows }, (_, row) => 5 + value(row)),
        z: Array.from({ length: rows }, (_, row) => 1000 - 50 * value(row)),
      },
      (row) => hour(row) >= 250,
    );
    const forecast = { horizon: 12, lookback: 48, targets: ['y', 'z'], group: 'shop' };
    const { manifest, evaluation, rows: counted } = await train(table, { family: 'linear', forecast });
    expect(manifest.signature).toMatchObject({ targets: ['y', 'z'], window: { order: 't', group: 'shop' } });
    expect(counted.testRows).toBe(2 * (50 - 12 + 1));
    expect(evaluation.residuals).toBeNull();
    expect(evaluation.leftOut.map(({ section }) => section)).toContain('residuals');
    expect(manifest.metrics.test['mase']).toBeLessThan(0.9);
  });

  it('goes on over gaps and says so', async () => {
    const whole = wave();
    const gone = (row: number): boolean => row % 37 === 5 || (row > 200 && row < 230);
    const kept = Array.from({ length: whole.rows }, (_, row) => row).filter((row) => !gone(row));
    const [t, y] = whole.columns.map((column) => ('values' in column ? column.values : new Float64Array()));
    const table = tableOf(
      { t: { micros: kept.map((row) => t[row]) }, y: kept.map((row) => y[row]) },
      (row) => kept[row] >= 504,
    );
    const { manifest } = await train(table, { family: 'linear', forecast: { horizon: 6, lookback: 48 } });
    expect(manifest.forecast?.warnings).toEqual([
      expect.stringMatching(/^\d+ steps of one hour have no row/),
    ]);
    expect(manifest.metrics.test['mae']).toBeLessThan(manifest.metrics.baseline['mae'] ?? 0);
  });

  // A sensor that now and then reports nonsense: what is to come does not follow from it.
  const spiky = (): Table =>
    hourly(
      (hour) => {
        const clean = 50 + 10 * Math.sin((2 * Math.PI * hour) / 168) + noise(hour) / 4;
        return { clean, y: hour % 7 === 3 ? clean + 40 * noise(hour + 5000) : clean };
      },
      600,
      96,
    );

  it.each([
    ['linear', { family: 'linear' }],
    ['rnn', { family: 'rnn', hidden: 8, epochs: 3 }],
  ])('%s reads its past through a filter and forecasts what is raw', async (_, family) => {
    const forecast = { horizon: 6, lookback: 12 };
    const plain = await train(spiky(), { ...family, forecast });
    const smooth = { kind: 'median', length: 3 };
    const filtered = await train(spiky(), { ...family, forecast: { ...forecast, smooth } });
    // The same truth for both, spikes included, and the same naive forecast of it.
    expect(filtered.manifest.metrics.baseline).toEqual(plain.manifest.metrics.baseline);
    expect(filtered.manifest.metrics.test['mae']).toBeLessThan(
      0.9 * (plain.manifest.metrics.test['mae'] ?? 0),
    );
    expect(filtered.manifest.verified.maxRelativeError).toBeLessThan(1e-5);
    expect(filtered.manifest.chosen).toMatchObject({ forecast: { smooth } });
  });

  it.each([
    ['linear', { family: 'linear' }],
    ['rnn', { family: 'rnn', hidden: 8, epochs: 3 }],
  ])('%s learns from windows that are filtered as those it is asked with', async (_, family) => {
    // A short window does not remember the level before it. Nothing is lost in it: the filter can be undone.
    const forecast = { horizon: 6, lookback: 8 };
    const plain = await train(wave(), { ...family, forecast });
    const smooth = { kind: 'exponential', share: 0.05 };
    const filtered = await train(wave(), { ...family, forecast: { ...forecast, smooth } });
    expect(filtered.manifest.metrics.train['rmse']).toBeLessThan(
      1.02 * (plain.manifest.metrics.train['rmse'] ?? 0),
    );
  });

  it('the sealed file filters: one wild value in the past changes nothing behind a median', async () => {
    const smooth = { kind: 'median', length: 3 };
    const { onnx } = await train(spiky(), {
      family: 'linear',
      forecast: { horizon: 6, lookback: 36, smooth },
    });
    const past = Float64Array.from({ length: 36 }, (_, hour) => 50 + hour / 10);
    const wild = past.with(20, 5000);
    const of = (cells: Float64Array) =>
      withSession(onnx, {}, async (session) =>
        asFloat32((await session.run({ y: float64(cells, [1, 36]) }))['prediction']),
      );
    const [calm, shaken] = [await of(past), await of(wild)];
    calm.forEach((value, step) => expect(Math.abs(shaken[step] - value)).toBeLessThan(0.5));
  });

  it('a champion is compared on the same windows', async () => {
    const table = wave();
    const weak = await train(table, { family: 'linear', forecast: { horizon: 24, lookback: 3 } });
    const asked = ask(table, { family: 'linear', forecast: { horizon: 24, lookback: 72 } });
    const strong = await trainTable(table, asked, { ...listener(), champion: weak.onnx });
    expect(strong.manifest.comparison).toMatchObject({ metric: 'rmse', better: 'challenger' });
  });

  it('of the airline passengers is far better than last year again (lag-12 RMSE 46)', async () => {
    const path = dataFile('airline_passengers.csv');
    if (path === undefined) return void process.stderr.write('skipped: ../shared/data is not here\n');
    const lines = readFileSync(path, 'utf8').trim().split('\n').slice(1);
    const cells = lines.map((line) => line.replaceAll('"', '').split(','));
    const table = tableOf(
      {
        t: { micros: cells.map(([month]) => Date.parse(`${month}-01`) * 1000) },
        y: cells.map(([, y]) => Number(y)),
      },
      (row) => row >= cells.length - 29,
    );
    const { manifest } = await train(table, { family: 'linear', forecast: { horizon: 12 } });
    expect(manifest.forecast).toMatchObject({ step: { unit: 'month', count: 1 }, season: 12 });
    expect(manifest.metrics.test['rmse']).toBeLessThan(32);
    expect(manifest.metrics.baseline['rmse']).toBeGreaterThan(45);
  });
});

describe('a forecast that cannot be', () => {
  const failing = (
    table: Table,
    spec: Record<string, unknown>,
    more: Parameters<typeof request>[1] = {},
  ): Promise<unknown> => train(table, spec, more).catch((error: unknown) => error);

  it('too short a series says how many steps are needed', async () => {
    const spec = { family: 'linear', forecast: { horizon: 24, lookback: 100 } };
    expect(await failing(wave(230), spec)).toMatchObject({
      code: 'TOO_FEW_ROWS',
      message: expect.stringMatching(/need at least \d+ steps/) as string,
    });
  });

  it('a horizon longer than what is held out is refused', async () => {
    expect(await failing(wave(), { family: 'linear', forecast: { horizon: 97 } })).toMatchObject({
      code: 'TOO_FEW_ROWS',
      message: expect.stringContaining('96 steps are held out') as string,
    });
  });

  it('more numbers than one answer may have are refused before anything is learned', async () => {
    const quantiles = Array.from({ length: 19 }, (_, i) => (i + 1) / 20);
    const long = hourly((hour) => ({ y: Math.sin(hour), z: Math.cos(hour) }), 4000, 1300);
    const forecast = { horizon: 1000, targets: ['y', 'z'], quantiles };
    expect(await failing(long, { family: 'linear', forecast })).toMatchObject({
      code: 'BAD_SPEC',
      path: ['spec', 'forecast', 'horizon'],
      message: expect.stringContaining('40000 numbers') as string,
    });
  });

  it('rows held out at random, a target of text, a constant target and levels that fall are refused', async () => {
    const random = { holdout: { kind: 'hash', salt: '', fraction: 0.2 } as const };
    expect(await failing(wave(), { family: 'linear' }, random)).toMatchObject({
      code: 'BAD_SPEC',
      path: ['task'],
    });
    const mixed = hourly((hour) => ({ y: hour % 2 === 0 ? 'a' : 'b', flat: 1 }), 300, 60);
    expect(await failing(mixed, { family: 'linear' })).toMatchObject({ code: 'TARGET_NOT_NUMERIC' });
    expect(await failing(mixed, { family: 'linear' }, { target: 'flat' })).toMatchObject({
      code: 'TARGET_CONSTANT',
    });
    expect(await failing(wave(), { family: 'linear', forecast: { quantiles: [0.9, 0.1] } })).toMatchObject({
      code: 'BAD_SPEC',
      path: ['spec', 'forecast', 'quantiles'],
    });
    for (const smooth of [{ kind: 'median', length: 4 }, { kind: 'exponential', share: 1 }, { kind: 'mean' }])
      expect(await failing(wave(), { family: 'linear', forecast: { smooth } })).toMatchObject({
        code: 'BAD_SPEC',
        path: expect.arrayContaining(['spec', 'forecast', 'smooth']) as string[],
      });
    expect(await failing(wave(), { family: 'linear', forecast: {} }, { task: 'regression' })).toMatchObject({
      code: 'BAD_SPEC',
      path: ['spec', 'forecast'],
    });
    expect(await failing(wave(), { family: 'mlp' })).toMatchObject({
      code: 'BAD_SPEC',
      path: ['spec', 'family'],
    });
  });
});
