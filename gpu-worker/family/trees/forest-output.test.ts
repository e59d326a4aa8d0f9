import { input, modelBytes } from '../../../onnx';
import { float32, asFloat32, withSession } from '../../engine/onnxruntime';
import { predictForest } from './forest';
import type { Forest } from './forest';
import { forestOutput } from './forest-output';
import { examples, feature, learn, mixed, rowOf } from './testing/learn';

const run = (forest: Forest, rows: readonly (readonly number[])[]): Promise<Float32Array> => {
  const features = input('features', 'float32', ['rows', forest.features]);
  const scores = forestOutput(forest)(features);
  const model = modelBytes({ name: 'forest', inputs: [features], outputs: { scores } });
  return withSession(model, {}, async (session) => {
    const answer = await session.run({
      features: float32(Float32Array.from(rows.flat()), [rows.length, forest.features]),
    });
    return asFloat32(answer.scores);
  });
};

const expectSame = async (forest: Forest, rows: readonly (readonly number[])[]): Promise<void> => {
  const exported = await run(forest, rows);
  const expected = rows.flatMap((row) => [...predictForest(forest, row)]);
  const spread = Math.max(...expected.map(Math.abs));
  exported.forEach((score, at) =>
    expect(Math.abs(score - (expected[at] ?? NaN))).toBeLessThan(1e-6 * spread + 1e-6),
  );
};

describe('the exported forest', () => {
  it('answers as the trainer does: gaps, categories, unseen ones, borders, infinite and tiny numbers', async () => {
    const training = mixed(3000, 21);
    const { forest } = await learn(training, { rounds: 40, leastRows: 5 });
    const borders = forest.trees.flatMap((tree) => tree.threshold.filter((_, node) => tree.left[node] !== 0));
    const odd = [NaN, Infinity, -Infinity, 0, -0, 1e-45, -1e-45, 3.4e38, -3.4e38, ...borders.slice(0, 200)];
    const codes = [NaN, 0, 1, 2, 3, 4, 5, 6, 7, 8, 99];
    const rows = [
      ...Array.from({ length: 500 }, (_, row) => rowOf(training, row)),
      ...odd.flatMap((value, at) =>
        [value, Math.fround(value) * (1 + 2 ** -23)].map((a) => [
          a,
          odd[at % 9] ?? NaN,
          codes[at % 11] ?? NaN,
        ]),
      ),
    ];
    await expectSame(forest, rows);
  });

  it('knows many categories, rare ones and sets of them', async () => {
    const count = 4000;
    const codes = Array.from({ length: count }, (_, row) => (row * row * 7 + row) % 400);
    const targets = codes.map((code) => Math.sin(code) + (code % 7));
    const category = examples([feature(codes, 'category')], targets);
    const { forest } = await learn(category, { rounds: 30, leastRows: 3 });
    await expectSame(forest, [...Array.from({ length: 420 }, (_, code) => [code]), [NaN]]);
  });

  it('has a score for each class, and works without any tree', async () => {
    const training = mixed(500, 22);
    const targets = training.targets.map((y) => (y > 2 ? 2 : y > 0.5 ? 1 : 0));
    const options = { objective: { kind: 'softmax', classes: 3 } } as const;
    const { forest } = await learn({ ...training, targets }, { ...options, rounds: 7, leastRows: 5 });
    const rows = Array.from({ length: 100 }, (_, row) => rowOf(training, row));
    await expectSame(forest, rows);
    await expectSame({ ...forest, trees: [] }, rows);
  });
});
