import { createHash } from 'node:crypto';
import { dataFile } from '../../test/support/data';
import { openSessionCount, withSession, float64, strings, asFloat32, asStrings } from '../engine/onnxruntime';
import { randomKey, randomUnit } from '../../onnx';
import { classRequest, classTable, listener, regressionTable, request } from '../testing/examples';
import { csvTable, tableOf } from '../testing/table';
import { CODE_VERSION } from './code-version';
import { trainTable } from './train-table';
import packageJson from '../../package.json';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const quick = { family: 'mlp', hidden: [16], epochs: 12, learningRate: 0.01 };

afterEach(() => expect(openSessionCount()).toBe(0));

describe('training a table', () => {
  it('the default mlp on a regression has the history of the article: loss, mae, mse, for both splits', async () => {
    const voice = listener();
    const made = await trainTable(regressionTable(), request({ family: 'mlp', epochs: 3 }), voice);
    const { chosen, history, metrics } = made.manifest;
    expect(chosen).toMatchObject({
      hidden: [64, 64],
      activation: 'relu',
      learningRate: 0.001,
      batchSize: 32,
      validationFraction: 0.2,
    });
    expect(history.map(({ epoch }) => epoch)).toEqual([1, 2, 3]);
    expect(voice.epochs).toEqual(history);
    for (const epoch of history)
      for (const field of ['loss', 'mae', 'mse', 'valLoss', 'valMae', 'valMse'] as const)
        expect(epoch[field]).toBeGreaterThan(0);
    expect(made.rows).toEqual({ trainRows: 256, validationRows: 64, testRows: 80 });
    // The last epoch's validation figures are those of the finished model.
    expect(history[2]?.valMae).toBeCloseTo(metrics.validation['mae'] ?? NaN, 3);
  });

  it('learns: far below the baseline on held-out rows', async () => {
    const made = await trainTable(regressionTable(), request({ ...quick, epochs: 60 }), listener());
    const { test, baseline } = made.manifest.metrics;
    expect(test['rmse']).toBeLessThan((baseline['rmse'] ?? 0) / 4);
  });

  it('the same data, spec and seed give the same bytes; another seed does not', async () => {
    const spec = { ...quick, dropout: 0.2, members: 2, epochs: 4 };
    const [first, second, other] = [
      await trainTable(regressionTable(), request(spec), listener()),
      await trainTable(regressionTable(), request(spec), listener()),
      await trainTable(regressionTable(), request(spec, { seed: 8 }), listener()),
    ];
    expect(sha256(second.onnx)).toBe(sha256(first.onnx));
    expect(sha256(other.onnx)).not.toBe(sha256(first.onnx));
  });

  it('a classification gives labels and probabilities, and beats the majority', async () => {
    const made = await trainTable(
      classTable(),
      classRequest({ ...quick, hidden: [32], epochs: 80 }),
      listener(),
    );
    const { metrics, signature, history } = made.manifest;
    expect(signature).toMatchObject({
      classes: ['inner', 'left', 'right'],
      outputs: ['prediction', 'probabilities', 'set'],
    });
    expect(metrics.test['accuracy']).toBeGreaterThan(0.85);
    expect(metrics.test['accuracy']).toBeGreaterThan(metrics.baseline['accuracy'] ?? 1);
    expect(history[0]).toMatchObject({
      accuracy: expect.any(Number) as number,
      valAccuracy: expect.any(Number) as number,
    });
    expect(signature.classes).toContain(made.golden.predictions[0]);
    expect(made.golden.probabilities?.[0]?.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 5);
  });

  it('the sealed file takes missing values and unseen categories', async () => {
    const made = await trainTable(regressionTable(), request(quick), listener());
    expect(made.manifest.signature.inputs.map(({ spec, known }) => [spec.name, spec.type, known])).toEqual([
      ['a', 'number', null],
      ['b', 'number', null],
      ['kind', 'category', null],
    ]);
    await withSession(made.onnx, {}, async (session) => {
      expect(session.inputNames).toEqual(['a', 'b', 'kind']);
      const answer = await session.run({
        a: float64(Float64Array.of(NaN, 0.5, 1e12), [3]),
        b: float64(Float64Array.of(0, NaN, -1e12), [3]),
        kind: strings(['never seen', '', 'high'], [3]),
      });
      expect(answer['prediction']?.dims).toEqual([3]);
      for (const value of asFloat32(answer['prediction'])) expect(Math.abs(value - 100)).toBeLessThan(30);
    });
  });

  it('costs of errors decide the labels, the probabilities stay', async () => {
    const costs = {
      matrix: [
        [0, 1, 1],
        [9, 0, 9],
        [1, 1, 0],
      ],
    };
    const spec = { ...quick, hidden: [32], epochs: 40 };
    const plain = await trainTable(classTable(), classRequest(spec), listener());
    const costly = await trainTable(classTable(), { ...classRequest(spec), costs }, listener());
    const share = (labels: readonly (string | number)[]): number =>
      labels.filter((label) => label === 'left').length / labels.length;
    expect(costly.golden.probabilities).toEqual(plain.golden.probabilities);
    expect(share(costly.golden.predictions)).toBeGreaterThanOrEqual(share(plain.golden.predictions));
    expect(costly.onnx).not.toEqual(plain.onnx);
    expect(costly.manifest.costs).toEqual(costs.matrix);
    const again = { ...listener(), champion: plain.onnx };
    const compared = await trainTable(classTable(), { ...classRequest(spec), costs }, again);
    expect(compared.manifest.comparison).toMatchObject({ metric: 'cost', rows: 120 });
    expect(compared.manifest.comparison?.difference).toBeLessThanOrEqual(0);
    const error = trainTable(
      classTable(),
      { ...classRequest(spec), costs: { falsePositive: 1, falseNegative: 2 } },
      listener(),
    );
    await expect(error).rejects.toMatchObject({ code: 'BAD_SPEC', path: ['costs'] });
  });

  it('a regression gives an interval around its prediction', async () => {
    const made = await trainTable(regressionTable(), request({ family: 'linear' }), listener());
    expect(made.manifest.signature.outputs).toEqual(['prediction', 'low', 'high']);
    expect(made.manifest.conformal).toMatchObject({
      kind: 'interval',
      method: 'absolute',
      level: 0.9,
      rows: 32,
    });
  });

  it('text is read in the file itself, whose one foreign operator is declared', async () => {
    const words = ['red', 'green', 'blue', 'pink', 'grey'];
    const texts = Array.from({ length: 300 }, (_, i) => `a ${words[i % 5]} ${words[(i * 3) % 4]} one`);
    const label = texts.map((text) => (text.includes('red') ? 'warm' : 'cold'));
    const table = tableOf({ note: { texts }, label }, (row) => row % 5 === 3);
    const made = await trainTable(table, classRequest({ family: 'linear' }), listener());
    expect(made.manifest.metrics.test['accuracy']).toBe(1);
    expect(made.manifest.operators).toEqual(['com.microsoft.Tokenizer']);
    await withSession(made.onnx, {}, async (session) => {
      const { prediction } = await session.run({ note: strings(['RED, shining', 'green grass'], [2]) });
      expect(asStrings(prediction)).toEqual(['warm', 'cold']);
    });
  });

  it('labels that are numbers stay in numeric order', async () => {
    const rows = 120;
    const a = Array.from({ length: rows }, (_, i) => i % 11);
    const table = tableOf(
      { a, label: a.map((value) => (value < 3 ? 2 : value < 7 ? 10 : 0)) },
      (row) => row % 5 === 0,
    );
    const made = await trainTable(table, classRequest(quick), listener());
    expect(made.manifest.signature.classes).toEqual(['0', '2', '10']);
    await withSession(made.onnx, {}, async (session) => {
      const answer = await session.run({ a: float64(Float64Array.of(1), [1]) });
      expect(['0', '2', '10']).toContain(asStrings(answer['prediction'])[0]);
    });
  });

  it('rows held out by time: validation rows are the last of the others', async () => {
    const rows = 300;
    const day = 86_400_000_000;
    const micros = Array.from({ length: rows }, (_, i) => ((i * 7) % rows) * day);
    const table = tableOf(
      { t: { micros }, y: micros.map((at) => at / day) },
      (row) => (micros[row] ?? 0) >= 250 * day,
    );
    const holdout = { kind: 'time', column: 't', fromMicros: 250 * day, toMicros: 299 * day } as const;
    const made = await trainTable(table, request({ family: 'linear' }, { holdout }), listener());
    expect(made.rows).toEqual({ trainRows: 225, validationRows: 25, testRows: 50 });
    // The trend stops at the last training instant, so later rows are worse the later they are.
    expect(made.manifest.metrics.test['rmse']).toBeGreaterThan(
      made.manifest.metrics.validation['rmse'] ?? NaN,
    );
    expect(made.golden.rows[0]?.['t']).toMatch(/^1970-\d\d-\d\dT00:00:00Z$/);
  });

  it('a champion is compared on the same held-out rows', async () => {
    const weak = await trainTable(regressionTable(), request({ ...quick, epochs: 1 }), listener());
    const strong = await trainTable(regressionTable(), request({ ...quick, epochs: 60 }), {
      ...listener(),
      champion: weak.onnx,
    });
    expect(strong.manifest.comparison).toMatchObject({ metric: 'rmse', rows: 80, better: 'challenger' });
    expect(strong.manifest.comparison?.champion).toBeCloseTo(weak.manifest.metrics.test['rmse'] ?? NaN, 4);
  });

  it('linear: a ridge in closed form, and a logistic regression', async () => {
    const ridge = await trainTable(regressionTable(), request({ family: 'linear' }), listener());
    expect(ridge.manifest.metrics.test['r2']).toBeGreaterThan(0.9);
    const logistic = await trainTable(classTable(), classRequest({ family: 'linear' }), listener());
    expect(logistic.manifest.metrics.test['accuracy']).toBeGreaterThan(0.75);
  });

  it.each([
    { family: 'linear' },
    { family: 'trees', trees: 60, learningRate: 0.1 },
    { family: 'mlp', epochs: 5 },
  ])('$family with interactions: served as learned, and better', async (spec) => {
    const cells = (stream: number) =>
      Array.from({ length: 1500 }, (_, i) => randomUnit(randomKey(1, stream), i) - 0.5);
    const [a, b] = [cells(1), cells(2)];
    const table = tableOf({ a, b, y: a.map((value, i) => value * (b[i] ?? 0)) }, (row) => row % 5 === 0);
    const rmse = async (interactions: number): Promise<number> => {
      const made = await trainTable(table, request({ ...spec, interactions }), listener());
      return made.manifest.metrics.test['rmse'] ?? NaN;
    };
    expect(await rmse(6)).toBeLessThan(0.9 * (await rmse(0)));
  });

  it('auto joins the best of what it tried, and says so while it searches', async () => {
    const voice = listener();
    const messages: string[] = [];
    const made = await trainTable(
      classTable(400),
      classRequest({ family: 'auto', seconds: null, trials: 2, families: ['linear', 'trees'], folds: 2 }),
      { ...voice, progress: (_phase, _fraction, detail) => messages.push(detail?.message ?? '') },
    );
    expect(made.manifest.spec.family).toBe('auto');
    expect(made.manifest.chosen.family).toBe('trees');
    expect(made.manifest.metrics.test['accuracy']).toBeGreaterThan(0.85);
    expect(made.manifest.metrics.validation['accuracy']).toBeGreaterThan(0.85);
    expect(messages).toContainEqual(expect.stringContaining('trees of'));
    expect(made.rows).toEqual({ trainRows: 320, validationRows: 0, testRows: 80 });
  });

  it('auto on concrete is within 15 % of histogram gradient boosting (RMSE 4.503)', async () => {
    const path = dataFile('concrete.csv');
    if (path === undefined)
      return void process.stderr.write('skipped: ../shared/data/concrete.csv is not here\n');
    const made = await trainTable(
      csvTable(path),
      request({ family: 'auto', seconds: null, trials: 1, folds: 3 }, { target: 'strength' }),
      listener(),
    );
    expect(made.manifest.metrics.test['rmse']).toBeLessThan(5.178);
  }, 300_000);

  it('whose time is over is verified all the same, and its report says what it leaves out', async () => {
    const { evaluation, manifest } = await trainTable(regressionTable(), request(quick), {
      ...listener(),
      leftMs: () => 0,
    });
    expect(manifest.verified.rows).toBe(80);
    expect(manifest.metrics.test['rmse']).toBeGreaterThan(0);
    expect(evaluation.leftOut.map(({ section }) => section)).toEqual(['metrics', 'slices', 'explanations']);
  });

  it('auto falls back to what is simpler when its file is not there in time', async () => {
    // Time enough while it learns, none from then on but for the fallback.
    let learned = false;
    const voice = listener();
    const made = await trainTable(
      classTable(),
      classRequest({ family: 'auto', seconds: null, trials: 4, folds: 3, families: ['linear', 'trees'] }),
      {
        ...voice,
        leftMs: () => (learned ? 0 : 1e6),
        progress: (...news) => {
          learned ||= news[0] === 'TRAINING' && news[1] > 0.87;
          voice.progress(...news);
        },
      },
    );
    // The trees, which know better, are what it would choose.
    expect(made.manifest.chosen.family).toBe('linear');
    expect(made.manifest.verified.rows).toBe(120);
  });

  it('names the version of the code', () => expect(CODE_VERSION).toBe(packageJson.version));
});

describe('a training that cannot be', () => {
  const failing = (spec: Record<string, unknown>, table = regressionTable()): Promise<unknown> =>
    trainTable(table, request(spec), listener()).catch((error: unknown) => error);

  it.each([
    [{ family: 'tree' }, []],
    [{ family: 'mlp', hidden: [] }, ['hidden']],
    [{ family: 'mlp', dropout: 1 }, ['dropout']],
    [{ family: 'mlp', layers: 3 }, []],
    [{ family: 'mlp', patience: 3, validationFraction: 0 }, ['patience']],
    [{ family: 'mlp', classWeights: 'balanced' }, ['classWeights']],
  ])('%j is BAD_SPEC and says where', async (spec, path) => {
    expect(await failing(spec)).toMatchObject({
      code: 'BAD_SPEC',
      path: expect.arrayContaining(['spec', ...path]) as string[],
    });
  });

  it('too few rows say how many are needed', async () => {
    expect(await failing(quick, regressionTable(25))).toMatchObject({
      code: 'TOO_FEW_ROWS',
      message: expect.stringContaining('at least 25') as string,
    });
  });

  it.each(['linear', 'trees', 'mlp'])(
    '%s: features that are all constant are no features',
    async (family) => {
      const y = Array.from({ length: 100 }, (_, i) => i);
      const table = tableOf({ a: y.map(() => 1), kind: y.map(() => 'same'), y }, (row) => row % 5 === 0);
      expect(await failing({ family }, table)).toMatchObject({ code: 'NO_USABLE_FEATURES' });
    },
  );

  it('a loss that explodes proposes a rate', async () => {
    const spec = { family: 'mlp', hidden: [64, 64, 64, 64], learningRate: 10, epochs: 20 };
    expect(await failing(spec)).toMatchObject({
      code: 'LOSS_NOT_FINITE',
      hint: expect.stringContaining('to 1') as string,
    });
  });

  it('a text target of a regression is TARGET_NOT_NUMERIC; a constant one TARGET_CONSTANT', async () => {
    const table = regressionTable();
    expect(
      await trainTable(table, request(quick, { target: 'kind' }), listener()).catch(
        (error: unknown) => error,
      ),
    ).toMatchObject({ code: 'TARGET_NOT_NUMERIC' });
    const flat = tableOf({ a: Array.from({ length: 60 }, (_, i) => i), y: Array<number>(60).fill(1) });
    expect(await failing(quick, flat)).toMatchObject({ code: 'TARGET_CONSTANT' });
  });

  it('a device that is not here is refused with those that are', async () => {
    const error: unknown = await trainTable(
      regressionTable(),
      request(quick, { device: 'cuda' }),
      listener(),
    ).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'BAD_SPEC', message: expect.stringContaining('cpu') as string });
  });

  it('an aborted signal ends it between chunks', async () => {
    const voice = listener();
    const training = trainTable(regressionTable(), request({ ...quick, epochs: 10_000 }), voice);
    setTimeout(voice.abort, 200);
    await expect(training).rejects.toThrow();
    expect(voice.epochs.length).toBeLessThan(10_000);
  });
});
