/** How numbers are scaled and filled is asked for in the spec and done by the sealed file. */
import { randomKey, randomNormal } from '../../onnx';
import { asFloat32, float64, openSessionCount, strings, withSession } from '../engine/onnxruntime';
import { listener, request } from '../testing/examples';
import { tableOf } from '../testing/table';
import { trainTable } from '../train/train-table';
import type { MadeModel, TrainRequest } from '../train/train-table';

const SCALINGS = ['standard', 'robust', 'quantile'] as const;

/** `y` follows the logarithm of `x`, whose tail is long. */
const skewed = tableOf(
  (() => {
    const log = Array.from({ length: 500 }, (_, row) => randomNormal(randomKey(5, 1), row));
    return { x: log.map((value) => Math.exp(2 * value)), y: log };
  })(),
  (row) => row % 5 === 0,
);

const train = (spec: Record<string, unknown>, more: Partial<TrainRequest> = {}): Promise<MadeModel> =>
  trainTable(skewed, request(spec, more), listener());
const answersAt = (made: MadeModel, x: readonly number[]): Promise<number[]> =>
  withSession(made.onnx, {}, async (session) => [
    ...asFloat32((await session.run({ x: float64(Float64Array.from(x), [x.length]) }))['prediction']),
  ]);

afterEach(() => expect(openSessionCount()).toBe(0));

it('normal scores straighten a long tail', async () => {
  const [standard, , quantile] = await Promise.all(
    SCALINGS.map((scaling) => train({ family: 'linear', scaling, winsorise: 0.001 })),
  );
  expect(quantile.manifest.metrics.test['rmse']).toBeLessThan(
    0.2 * (standard.manifest.metrics.test['rmse'] ?? 0),
  );
});

it.each(SCALINGS)('%s: the file clips to the quantiles that it was trained with', async (scaling) => {
  const spec = { scaling, winsorise: 0.1 };
  const more = { hidden: [8], epochs: 2, code: 1 };
  for (const made of [
    await train({ family: 'linear', ...spec }),
    await train({ family: 'mlp', hidden: more.hidden, epochs: more.epochs, ...spec }),
  ]) {
    expect(made.manifest.verified.maxRelativeError).toBeLessThan(1e-5);
    // The normal deviates -1.2816 and 1.2816 have a tenth of the rows outside.
    const [low, lower, high, higher, middle] = await answersAt(made, [0.04, 0, 20, 1e9, 1]);
    expect([lower, higher]).toEqual([low, high]);
    expect(middle).not.toBe(low);
  }
});

it.each([
  ['clustering', { family: 'k-means', clusters: 2, restarts: 1 }],
  ['clustering', { family: 'gaussian-mixture', clusters: 2 }],
  ['anomaly', { family: 'autoencoder', hidden: [4], code: 1, epochs: 2 }],
] as const)('%s: %j learns from every scaling, and the file with it', async (task, spec) => {
  const files: Buffer[] = [];
  for (const scaling of SCALINGS) {
    const made = await train({ ...spec, scaling, winsorise: 0.1 }, { task, target: null });
    expect(made.manifest.verified.maxRelativeError).toBeLessThan(1e-5);
    files.push(Buffer.from(made.onnx));
  }
  expect(new Set(files.map((bytes) => bytes.toString('base64'))).size).toBe(SCALINGS.length);
});

/** Of `x` the mode is 0 and the median 2, the mode of `kind` is a; nothing is missing. */
const whole = tableOf(
  (() => {
    const x = Array.from({ length: 300 }, (_, row) => [0, 0, 0, 0, 2, 2, 2, 5, 6, 9][(row * 7) % 10] ?? 0);
    const kind = x.map((_, row) => (row % 3 === 0 ? 'b' : 'a'));
    return { x, kind, y: x.map((value, row) => value + (kind[row] === 'b' ? 5 : 0)) };
  })(),
  (row) => row % 8 === 0,
);
const CLUSTERING: Partial<TrainRequest> = { task: 'clustering', target: null, exclude: ['y'] };

it.each<[Record<string, unknown>, Partial<TrainRequest>]>([
  [{ family: 'linear' }, {}],
  [{ family: 'mlp', hidden: [8], epochs: 2 }, {}],
  [{ family: 'k-means', clusters: 2, restarts: 1 }, CLUSTERING],
  [{ family: 'gaussian-mixture', clusters: 2 }, CLUSTERING],
  [
    { family: 'autoencoder', hidden: [4], code: 1, epochs: 2 },
    { ...CLUSTERING, task: 'anomaly' },
  ],
])('%j: what is missing is filled as the spec says, in the file', async (spec, more) => {
  const answered = async (missing: object): Promise<unknown[]> => {
    const { onnx, manifest } = await trainTable(whole, request({ ...spec, ...missing }, more), listener());
    const { prediction, probabilities = prediction } = await withSession(onnx, {}, (session) =>
      session.run({ x: float64(Float64Array.of(NaN, 0, 2, 2), [4]), kind: strings(['', 'a', 'a', ''], [4]) }),
    );
    const values = asFloat32(probabilities);
    const width = values.length / 4;
    expect(manifest.verified.maxRelativeError).toBeLessThan(1e-5);
    return [0, 1, 2, 3].map((row) => values.slice(row * width, (row + 1) * width));
  };
  const [nothing, mostFrequent, middle] = await answered({ missing: 'mode' });
  expect(nothing).toEqual(mostFrequent);
  expect(nothing).not.toEqual(middle);
  const [plain, , , median] = await answered({});
  expect(plain).toEqual(median);
  expect(plain).not.toEqual(nothing);
  expect(await answered({ missing: 'median' })).toEqual(await answered({}));
});

it.each([
  [{ family: 'linear', scaling: 'minmax' }, 'scaling', /"standard"\|"robust"\|"quantile"/],
  [{ family: 'linear', winsorise: 0.5 }, 'winsorise', /<0.5/],
  [{ family: 'mlp', missing: 'mean' }, 'missing', /"median"\|"mode"/],
  [{ family: 'mlp', scaling: 'robust', numeric: 'piecewise' }, 'scaling', /numeric: standard/],
])('%j is BAD_SPEC and says where', async (spec, field, message) => {
  await expect(train(spec)).rejects.toMatchObject({
    code: 'BAD_SPEC',
    path: ['spec', field],
    message: expect.stringMatching(message) as string,
  });
});

it('left out is standard, byte for byte; a forecast has none', async () => {
  const [plain, standard] = [
    await train({ family: 'linear' }),
    await train({ family: 'linear', scaling: 'standard' }),
  ];
  expect(Buffer.compare(standard.onnx, plain.onnx)).toBe(0);
  await expect(train({ family: 'linear', winsorise: 0.1 }, { task: 'forecast' })).rejects.toMatchObject({
    code: 'BAD_SPEC',
    path: ['spec', 'winsorise'],
  });
});
