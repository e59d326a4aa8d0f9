/** Models as the worker seals them, asked through the whole way: golden rows, runner, answer, log. */
import type { GoldenRows, LearningTask, ModelManifest } from '../../contracts';
import type { Table } from '../../gpu-worker/data/table';
import { listener, request } from '../../gpu-worker/testing/examples';
import { tableOf } from '../../gpu-worker/testing/table';
import { trainTable } from '../../gpu-worker/train/train-table';
import type { MadeModel } from '../../gpu-worker/train/train-table';
import { randomKey, randomNormal } from '../../onnx';
import type { TenantContext } from '../platform/context';
import { codeOf, startStack } from './testing/stack';
import type { Stack } from './testing/stack';

const HOUR = 3_600_000_000;
const normal = (stream: number, i: number): number => randomNormal(randomKey(5, stream), i);

/** Units of 20 rows; `y` is the sum of the last two `x` of the unit. */
const sequences = (): Table => {
  const x = Array.from({ length: 200 }, (_, row) => normal(1, row));
  return tableOf(
    {
      unit: x.map((_, row) => Math.floor(row / 20)),
      cycle: x.map((_, row) => row % 20),
      x,
      kind: x.map((_, row) => ['a', 'b'][row % 2]),
      y: x.map((value, row) => value + (row % 20 > 0 ? x[row - 1] : 0)),
    },
    (row) => Math.floor(row / 20) % 5 === 0,
  );
};

/** Two series a step each hour; the last day is held out. */
const wave = (): Table => {
  const hours = Array.from({ length: 240 }, (_, hour) => hour);
  return tableOf(
    {
      t: { micros: hours.map((hour) => hour * HOUR) },
      y: hours.map((hour) => 50 + 10 * Math.sin((2 * Math.PI * hour) / 24) + normal(2, hour)),
      z: hours.map((hour) => 9 * Math.cos((2 * Math.PI * hour) / 24) + normal(3, hour)),
    },
    (hour) => hour >= 216,
  );
};

const line = (): Table => {
  const x = Array.from({ length: 300 }, (_, row) => normal(4, row));
  return tableOf(
    {
      x,
      y: x.map((value, row) => 3 * value + normal(6, row) / 5),
      label: x.map((value, row) => (value + normal(6, row) / 2 > 0 ? 'up' : 'down')),
    },
    (row) => row % 5 === 0,
  );
};

/** With a time column and missing cells, which made-up rows have, too. */
const people = (): Table => {
  const age = Array.from({ length: 200 }, (_, row) => 40 + 5 * normal(7, row));
  return tableOf(
    {
      age: age.map((value, row) => (row % 4 === 0 ? null : value)),
      since: { micros: age.map((_, row) => (row % 3 === 0 ? NaN : 1.6e15 + row * HOUR)) },
      kind: age.map((_, row) => (row % 3 === 0 ? 'rare' : 'usual')),
    },
    (row) => row % 5 === 0,
  );
};

const train = (
  table: Table,
  task: LearningTask,
  spec: Record<string, unknown>,
  more: Parameters<typeof request>[1] = {},
): Promise<MadeModel> => trainTable(table, request(spec, { task, ...more }), listener());

let stack: Stack;
let ctx: TenantContext;
let other: TenantContext;

beforeAll(async () => {
  stack = await startStack({ timeoutMs: 10_000 });
  [ctx, other] = [await stack.tenant(), await stack.tenant()];
});
afterAll(() => stack.stop());

const deployed = async (made: MadeModel, golden: GoldenRows = made.golden) => {
  const scenarioId = await stack.scenario(ctx);
  const version = await stack.version(ctx, scenarioId, {
    onnx: made.onnx,
    signature: made.manifest.signature,
    golden,
  });
  return stack.deploy(ctx, version);
};

/** Ready only when every golden row is answered as recorded; a golden row that lies, or records nothing, is found. */
const served = async (made: MadeModel, lie: (golden: GoldenRows) => void) => {
  expect(made.golden.rows.length).toBeGreaterThan(0);
  const wrong = structuredClone(made.golden);
  lie(wrong);
  const unrecorded = { ...made.golden, predictions: [], forecasts: undefined, generated: undefined };
  for (const golden of [wrong, unrecorded]) {
    const refused = await deployed(made, golden);
    expect((await stack.deployments.revisions(ctx, refused.id))[0]).toMatchObject({
      state: 'FAILED',
      failureCode: 'VERIFY_FAILED',
    });
  }
  const deployment = await deployed(made);
  expect(deployment.state).toBe('READY');
  const ask = (rows: unknown[], scope = ctx) =>
    stack.predictions.predict(scope, { deploymentId: deployment.id, rows });
  /** What was answered is what is logged; to another tenant neither model nor log is there. */
  const logged = async (rows: GoldenRows['rows']) => {
    const answer = await ask(rows);
    const record = await stack.predictionLog.get(ctx, answer.id);
    expect(record.rows).toEqual(rows);
    expect(record.outputs).toEqual(answer.outputs);
    expect(await codeOf(stack.predictionLog.get(other, answer.id, 100))).toBe('NOT_FOUND');
    expect(await codeOf(ask(rows, other))).toBe('NOT_FOUND');
    return answer;
  };
  return { ask, logged };
};

describe('a model that reads windows', () => {
  const spec = {
    family: 'rnn',
    window: { length: 4, order: 'cycle', group: 'unit' },
    ...{ hidden: 8, epochs: 2, batchSize: 32 },
  };
  let ask: (rows: unknown[]) => ReturnType<Stack['predictions']['predict']>;
  let logged: (rows: GoldenRows['rows']) => ReturnType<Stack['predictions']['predict']>;
  let made: MadeModel;

  beforeAll(async () => {
    made = await train(sequences(), 'regression', spec);
    ({ ask, logged } = await served(made, (golden) => {
      golden.predictions[0] = Number(golden.predictions[0]) + 1;
    }));
  });

  test('answers rows whose values are arrays, oldest first', async () => {
    const { rows, predictions } = made.golden;
    expect(rows[0]['x']).toHaveLength(4);
    const { outputs } = await logged(rows);
    outputs.forEach(({ prediction }, i) => expect(prediction).toBeCloseTo(Number(predictions[i]), 3));
  });

  test('takes a shorter array as one that lacks the oldest, and an empty one as nothing known', async () => {
    const row = (...cells: (number | null)[]) =>
      Object.fromEntries(
        made.manifest.signature.inputs.map(({ spec: { name } }) => [
          name,
          name === 'kind' ? cells.map((cell) => cell && 'a') : cells,
        ]),
      );
    const { outputs } = await ask([row(1, 2), row(null, null, 1, 2), row(), row(null), row(2, 1)]);
    const [short, padded, none, unknown, turned] = outputs.map(({ prediction }) => prediction);
    expect(short).toBe(padded);
    expect(none).toBe(unknown);
    expect(turned).not.toBe(short);
  });

  test('refuses what is no array, too many cells and a wrong cell, each at its place', async () => {
    const [row] = made.golden.rows;
    const wrong = (x: unknown) => ask([row, { ...row, x }]);
    const at = (...path: unknown[]) => ({ code: 'WRONG_TYPE', path: ['rows', 1, 'x', ...path] });
    await expect(wrong(1)).rejects.toMatchObject(at());
    await expect(wrong(null)).rejects.toMatchObject(at());
    await expect(wrong([1, 2, 3, 4, 5])).rejects.toMatchObject(at());
    await expect(wrong([1, 'many'])).rejects.toMatchObject(at(1));
    await expect(wrong([1, [2]])).rejects.toMatchObject(at(1));
    await expect(wrong([1, Infinity])).rejects.toMatchObject({ ...at(1), code: 'NOT_FINITE' });
  });

  test('takes fewer rows at once the longer its windows are', async () => {
    const inputs = made.manifest.signature.inputs.map((input) => ({ ...input, window: 50_000 }));
    const long: MadeModel = {
      ...made,
      manifest: { ...made.manifest, signature: { ...made.manifest.signature, inputs } },
    };
    const { id } = await deployed(long, { v: 1, rows: [], predictions: [], probabilities: null });
    const row = Object.fromEntries(inputs.map(({ spec: { name } }) => [name, []]));
    const most = Math.floor(1_000_000 / (50_000 * inputs.length));
    const few = (rows: number) =>
      codeOf(stack.predictions.predict(ctx, { deploymentId: id, rows: new Array(rows).fill(row) }));
    expect(await few(most + 1)).toBe('TOO_MANY_ROWS');
    // The file itself takes windows of 4.
    expect(await few(most)).toBe('MODEL_FAILED');
  });

  test('a row too long for one message with its usage event is refused, numbers counted as they are written', async () => {
    const inputs = made.manifest.signature.inputs.map((input) => ({ ...input, window: 50_000 }));
    const signature = { ...made.manifest.signature, inputs };
    const long: MadeModel = { ...made, manifest: { ...made.manifest, signature } };
    const { id } = await deployed(long, { v: 1, rows: [], predictions: [], probabilities: null });
    const x = new Array<number>(50_000).fill(-1234.5678);
    const row = Object.fromEntries(inputs.map(({ spec: { name } }) => [name, name === 'x' ? x : []]));
    expect(await codeOf(stack.predictions.predict(ctx, { deploymentId: id, rows: [row] }))).toBe(
      'PAYLOAD_TOO_LARGE',
    );
  });

  test('requests that share a run get the answers of their own windows', async () => {
    const { rows } = made.golden;
    const alone = (await ask(rows)).outputs;
    const together = await Promise.all(rows.map((row) => ask([row, row])));
    together.forEach(({ outputs }, i) => {
      for (const { prediction } of outputs) expect(prediction).toBeCloseTo(Number(alone[i].prediction), 4);
    });
  });
});

test('a forecast is answered step by step with its quantiles', async () => {
  const held = { fromMicros: 216 * HOUR, toMicros: 239 * HOUR };
  const made = await train(
    wave(),
    'forecast',
    { family: 'linear', forecast: { horizon: 6, lookback: 24, targets: ['y', 'z'] } },
    { holdout: { kind: 'time', column: 't', ...held } },
  );
  const { forecasts = [], rows } = made.golden;
  const { ask, logged } = await served(made, (golden) => {
    const last = golden.forecasts?.at(-1)?.quantiles.at(-1)?.at(-1);
    last?.splice(-1, 1, 1e6);
  });
  const answer = await logged(rows);
  expect(answer).toMatchObject({ targets: ['y', 'z'], levels: [0.1, 0.5, 0.9], classes: [] });
  answer.outputs.forEach(({ prediction, forecast }, i) => {
    expect(forecast?.prediction).toHaveLength(6);
    expect(forecast?.prediction.every((step) => step.length === 2)).toBe(true);
    expect(prediction).toBe(forecast?.prediction[0][0]);
    const [given, wanted] = [forecast?.quantiles.flat(2) ?? [], forecasts[i].quantiles.flat(2)];
    expect(given).toHaveLength(36);
    given.forEach((value, at) => expect(value).toBeCloseTo(wanted[at], 2));
  });
  const together = await Promise.all(rows.map((row) => ask([row])));
  together.forEach(({ outputs: [{ forecast }] }, i) => {
    const wanted = answer.outputs[i].forecast?.prediction.flat() ?? [];
    forecast?.prediction.flat().forEach((value, at) => expect(value).toBeCloseTo(wanted[at], 2));
  });
});

test('a regression is answered with its interval', async () => {
  const made = await train(line(), 'regression', { family: 'linear' }, { exclude: ['label'] });
  expect(made.manifest.signature.outputs).toEqual(['prediction', 'low', 'high']);
  const { logged } = await served(made, (golden) => {
    golden.predictions[0] = 1e6;
  });
  const { outputs } = await logged(made.golden.rows);
  for (const { prediction, low = NaN, high = NaN } of outputs) {
    expect(low).toBeLessThan(Number(prediction));
    expect(high).toBeGreaterThan(Number(prediction));
  }
});

test('a classification is answered with the labels that may be true', async () => {
  const made = await train(
    line(),
    'classification',
    { family: 'linear' },
    { target: 'label', exclude: ['y'] },
  );
  expect(made.manifest.signature.outputs).toContain('set');
  const { ask, logged } = await served(made, (golden) => {
    golden.predictions[0] = golden.predictions[0] === 'up' ? 'down' : 'up';
  });
  await logged(made.golden.rows);
  const { outputs, classes } = await ask([{ x: -4 }, { x: 0 }, { x: 4 }]);
  expect(classes).toEqual(['down', 'up']);
  expect(outputs.map(({ set }) => set)).toEqual([['down'], ['down', 'up'], ['up']]);
});

test('a request for made-up rows is answered with the row of its seed', async () => {
  const made = await train(
    people(),
    'synthesis',
    { family: 'gan', hidden: [8], latent: 4, batchSize: 32, epochs: 10 },
    { target: 'kind' },
  );
  const { generated = [], rows } = made.golden;
  const { ask, logged } = await served(made, (golden) => {
    const [row] = golden.generated ?? [];
    row['kind'] = row['kind'] === 'rare' ? 'usual' : 'rare';
  });
  const { outputs } = await logged(rows);
  outputs.forEach(({ row }, i) => {
    expect(Object.keys(row ?? {})).toEqual(['age', 'since', 'kind']);
    expect(row?.['kind']).toBe(generated[i]['kind']);
  });
  const many = await ask(Array.from({ length: 100 }, (_, seed) => ({ seed, kind: 'usual' })));
  const cells = (name: string) => many.outputs.map(({ row }) => row?.[name]);
  expect(cells('age').filter((cell) => cell === null).length).toBeGreaterThan(0);
  expect(cells('since').filter((cell) => cell === null).length).toBeGreaterThan(0);
  const instants = cells('since').filter((cell) => cell !== null);
  expect(instants.length).toBeGreaterThan(0);
  for (const instant of instants) expect(instant).toMatch(/^20\d\d-\d\d-\d\dT.*Z$/);
  expect(await codeOf(ask([{ seed: 'first', kind: 'usual' }]))).toBe('WRONG_TYPE');
});

test('a file that does not give what its signature says is not answered from', async () => {
  const made = await train(line(), 'regression', { family: 'linear' }, { exclude: ['label'] });
  const none: GoldenRows = { v: 1, rows: [], predictions: [], probabilities: null };
  const signature = (more: Partial<ModelManifest['signature']>): MadeModel => ({
    ...made,
    manifest: { ...made.manifest, signature: { ...made.manifest.signature, ...more } },
  });
  const ask = async (of: MadeModel) => {
    const { id } = await deployed(of, none);
    return codeOf(stack.predictions.predict(ctx, { deploymentId: id, rows: [{ x: 1 }] }));
  };
  const forecast = { task: 'forecast' as const, targets: ['y'], levels: [0.5] };
  expect(await ask(signature({ ...forecast, horizon: 2 }))).toBe('MODEL_FAILED');
  expect(await ask(signature({ ...forecast, horizon: 1 }))).toBe('MODEL_FAILED');
  expect(await ask(signature({ outputs: ['prediction', 'set'], classes: ['a', 'b'] }))).toBe('MODEL_FAILED');
  expect(await ask(made)).toBe('answered');
});
