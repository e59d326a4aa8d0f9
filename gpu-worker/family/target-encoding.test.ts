/** A category of many values is encoded by the target where the spec asks for it, in training and in the sealed file. */
import { randomKey, randomNormal, randomUnit } from '../../onnx';
import { asFloat32, float64, openSessionCount, strings, withSession } from '../engine/onnxruntime';
import { listener, request } from '../testing/examples';
import { tableOf } from '../testing/table';
import { trainTable } from '../train/train-table';
import type { MadeModel, TrainRequest } from '../train/train-table';

const ROWS = 1200;
const SHOPS = 300;
const drawn = randomKey(3, 1);
const levelOf = Array.from({ length: SHOPS }, (_, shop) => 3 * randomNormal(drawn, shop));

/** `y` is the level of one of 300 shops, too rare for places of their own, and a little of `x`. */
const shops = tableOf(
  (() => {
    const x = Array.from({ length: ROWS }, (_, row) => randomUnit(drawn, 1000 + row));
    const shop = x.map((_, row) => (row * 7) % SHOPS);
    return {
      x,
      shop: shop.map((at) => `shop ${at}`),
      y: shop.map((at, row) => 50 + (levelOf[at] ?? 0) + 0.3 * (x[row] ?? 0)),
    };
  })(),
  // Of each shop a row in four.
  (row) => Math.floor(row / SHOPS) === row % 4,
);

const train = (spec: Record<string, unknown>, more: Partial<TrainRequest> = {}): Promise<MadeModel> =>
  trainTable(shops, request(spec, more), listener());
const rmseOf = ({ manifest }: MadeModel): number => manifest.metrics.test['rmse'] ?? NaN;

afterEach(() => expect(openSessionCount()).toBe(0));

it.each([
  { family: 'linear' },
  { family: 'trees', trees: 60 },
  { family: 'mlp', hidden: [16], epochs: 30, learningRate: 0.01 },
])('%j tells 300 shops apart, and a new one is like all of them', async (spec) => {
  const [plain, encoded] = [await train(spec), await train({ ...spec, targetEncodingAbove: 20 })];
  expect(rmseOf(encoded)).toBeLessThan(0.5 * rmseOf(plain));
  expect(encoded.manifest.verified.maxRelativeError).toBeLessThan(1e-5);
  const best = levelOf.indexOf(Math.max(...levelOf));
  const shop = strings([`shop ${best}`, 'a new shop', ''], [3]);
  const answer = await withSession(encoded.onnx, {}, (session) =>
    session.run({ x: float64(Float64Array.of(0.5, 0.5, 0.5), [3]), shop }),
  );
  const [high = NaN, fresh = NaN, none] = asFloat32(answer['prediction']);
  expect(high).toBeGreaterThan(54);
  expect(Math.abs(fresh - 50)).toBeLessThan(1.5);
  expect(none).toBe(fresh);
});

it('a category of fewer values keeps its places: the same bytes', async () => {
  const [plain, above] = [
    await train({ family: 'linear' }),
    await train({ family: 'linear', targetEncodingAbove: SHOPS }),
  ];
  expect(Buffer.compare(above.onnx, plain.onnx)).toBe(0);
});

it.each([
  [{ family: 'trees', targetEncodingAbove: 0 }, {}, />=1/],
  [{ family: 'linear', targetEncodingAbove: 20 }, { task: 'forecast' }, /forecast/],
] as const)('%j with %j is BAD_SPEC and says where', async (spec, more, message) => {
  await expect(train(spec, more)).rejects.toMatchObject({
    code: 'BAD_SPEC',
    path: ['spec', 'targetEncodingAbove'],
    message: expect.stringMatching(message) as string,
  });
});
