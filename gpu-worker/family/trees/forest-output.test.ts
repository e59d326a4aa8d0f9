import { input, modelBytes } from '../../../onnx';
import { float32, asFloat32, withSession } from '../../engine/onnxruntime';
import { predictForest } from './forest';
import type { Forest } from './forest';
import { forestOutput } from './forest-output';
import { shapValues } from './shap';
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

describe('Shapley values', () => {
  /** Mean answer when only the features of `known` (bits) are known. */
  const expected = (forest: Forest, row: readonly number[], known: number, output: number): number => {
    let sum = forest.base[output] ?? 0;
    forest.trees.forEach((tree, index) => {
      if (index % forest.base.length !== output) return;
      const from = (node: number): number => {
        const left = tree.left[node] ?? 0;
        const right = tree.right[node] ?? 0;
        if (left === 0) return tree.value[node] ?? 0;
        const asked = tree.feature[node] ?? 0;
        if ((known >> asked) & 1) {
          const value = row[asked] ?? NaN;
          const isLeft = Number.isNaN(value)
            ? tree.missingLeft[node] === 1
            : (tree.categories[node]?.includes(value) ?? value <= (tree.threshold[node] ?? NaN));
          return from(isLeft ? left : right);
        }
        const all = tree.cover[node] ?? NaN;
        return ((tree.cover[left] ?? 0) * from(left) + (tree.cover[right] ?? 0) * from(right)) / all;
      };
      sum += from(0);
    });
    return sum;
  };

  it('are those of the definition, and add up to the score', async () => {
    const training = mixed(400, 23);
    const targets = training.targets.map((y) => (y > 2 ? 2 : y > 0.5 ? 1 : 0));
    const { forest } = await learn(
      { ...training, targets },
      { objective: { kind: 'softmax', classes: 3 }, rounds: 3, leaves: 8, leastRows: 5 },
    );
    const size = (set: number): number => [0, 1, 2].filter((one) => (set >> one) & 1).length;
    const factorial = (n: number): number => (n <= 1 ? 1 : n * factorial(n - 1));
    for (let row = 0; row < 30; row++) {
      const values = rowOf(training, row).map(Math.fround);
      const shap = shapValues(forest, values);
      for (let output = 0; output < 3; output++) {
        expect(shap.expected[output]).toBeCloseTo(expected(forest, values, 0, output), 10);
        for (let one = 0; one < 3; one++) {
          let sum = 0;
          for (let set = 0; set < 8; set++) {
            if ((set >> one) & 1) continue;
            const share = (factorial(size(set)) * factorial(2 - size(set))) / factorial(3);
            sum +=
              share *
              (expected(forest, values, set | (1 << one), output) - expected(forest, values, set, output));
          }
          expect(shap.values[output]?.[one]).toBeCloseTo(sum, 10);
        }
        const total = shap.values[output]?.reduce((all, one) => all + one, shap.expected[output] ?? NaN);
        expect(total).toBeCloseTo(predictForest(forest, values)[output] ?? NaN, 10);
      }
    }
  });
});
