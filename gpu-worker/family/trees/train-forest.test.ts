import { gainImportance, predictForest } from './forest';
import type { Forest } from './forest';
import type { Examples, Feature } from './learning';
import { readPartial, writePartial } from './partial';
import { examples, feature, learn, mixed, rowOf } from './testing/learn';
import { grownUntil } from './train-forest';
import type { ForestControl } from './train-forest';

const NAN = NaN;

/** Largest drop of the squared error by one split of all rows, by trying all of them. */
const bruteForce = ({ features, targets, rows }: Examples, l2: number): number => {
  const mean = Array.from(targets).reduce((sum, y) => sum + y, 0) / rows;
  const all = Array.from({ length: rows }, (_, row) => row);
  const score = (part: readonly number[]): number =>
    part.reduce((sum, row) => sum + mean - (targets[row] ?? 0), 0) ** 2 / (part.length + l2);
  let best = 0;
  const offer = (isLeft: (row: number) => boolean): void => {
    const left = all.filter(isLeft);
    if (left.length === 0 || left.length === rows) return;
    best = Math.max(best, score(left) + score(all.filter((row) => !isLeft(row))) - score(all));
  };
  for (const { values, kind } of features) {
    const at = (row: number): number => values[row] ?? NaN;
    const distinct = [...new Set(all.map(at).filter((value) => !Number.isNaN(value)))];
    if (kind === 'number') {
      for (const threshold of distinct)
        for (const missingLeft of [true, false])
          offer((row) => (Number.isNaN(at(row)) ? missingLeft : at(row) <= threshold));
    } else {
      for (let set = 0; set < 1 << (distinct.length + 1); set++)
        offer((row) =>
          Number.isNaN(at(row)) ? (set & 1) === 1 : ((set >> (1 + distinct.indexOf(at(row)))) & 1) === 1,
        );
    }
  }
  return best;
};

describe('one split', () => {
  it.each([0, 1, 2, 3, 4, 5])('is the best of all, data %i', async (seed) => {
    const data = mixed(80, seed);
    const few = { ...data, features: data.features.map((one) => ({ ...one, values: one.values.slice() })) };
    // At most four categories, which are not regularised.
    const category = few.features[2];
    category?.values.forEach((code, row) => (category.values[row] = code % 4));
    for (const only of [[0], [1], [2], [0, 1, 2]]) {
      const picked = { ...few, features: few.features.filter((_, index) => only.includes(index)) };
      for (const [options, l2] of [
        [{ l2: 0 }, 0],
        [{ l2: 3 }, 3],
        // Constraints that hold nothing back, and the search that knows them.
        [{ l2: 3, l1: 1e-12 }, 3],
      ] as const) {
        const { forest } = await learn(picked, { rounds: 1, leaves: 2, ...options });
        expect(forest.trees[0]?.gain[0]).toBeCloseTo(bruteForce(picked, l2), 5);
      }
    }
  });

  it('stands in the middle between two values, as float32, and sends each to its side', async () => {
    const near = [0.1, 0.10000000149011612, 16777216, 16777217, -1e-45, 0, 1e-45, 3e38, -Infinity, Infinity];
    for (const low of near)
      for (const high of near) {
        if (!(Math.fround(low) < Math.fround(high))) continue;
        const { forest } = await learn(examples([feature([low, high])], [0, 1]), {
          rounds: 1,
          leaves: 2,
          learningRate: 1,
        });
        expect([low, high].map((value) => predictForest(forest, [value])[0])).toEqual([0, 1]);
        expect(forest.trees[0]?.threshold[0]).toBe(Math.fround(forest.trees[0]?.threshold[0] ?? NaN));
      }
  });

  it('can be between what is missing and what is not', async () => {
    const data = examples([feature([NAN, 1, NAN, 2, NAN, 3])], [5, 1, 5, 1, 5, 1]);
    const { forest } = await learn(data, { rounds: 1, leaves: 2, learningRate: 1 });
    expect([NAN, 1, 100, Infinity, -Infinity].map((value) => predictForest(forest, [value])[0])).toEqual([
      5, 1, 1, 1, 1,
    ]);
  });
});

describe('a forest', () => {
  const rmse = (forest: Forest, data: Examples): number => {
    let sum = 0;
    for (let row = 0; row < data.rows; row++)
      sum += ((predictForest(forest, rowOf(data, row))[0] ?? NaN) - (data.targets[row] ?? NaN)) ** 2;
    return Math.sqrt(sum / data.rows);
  };

  it('learns from numbers, gaps and categories, and reports the loss that its predictions have', async () => {
    const training = mixed(2000, 1);
    const validation = mixed(1000, 2);
    const { forest, history } = await learn(training, { rounds: 60, leastRows: 10 }, validation);
    expect(rmse(forest, validation)).toBeLessThan(0.45); // the noise is 0.3, the spread 1.4
    expect(Math.sqrt(history.at(-1)?.loss ?? NaN)).toBeCloseTo(rmse(forest, training), 6);
    expect(Math.sqrt(history.at(-1)?.validationLoss ?? NaN)).toBeCloseTo(rmse(forest, validation), 6);
    const importance = gainImportance(forest);
    expect(importance.reduce((sum, share) => sum + share)).toBeCloseTo(1);
    for (const share of importance) expect(share).toBeGreaterThan(0.1);
  });

  it('is the same for any number of threads, and again', async () => {
    const training = mixed(35_000, 3);
    const options = {
      rounds: 2,
      rowSampling: { kind: 'bagging', fraction: 0.9 },
      columnFraction: 0.7,
    } as const;
    const [one, two, three] = [
      await learn(training, options, undefined, { threads: 1 }),
      await learn(training, options, undefined, { threads: 2 }),
      await learn(training, options, undefined, { threads: 3 }),
    ];
    expect(two).toEqual(one);
    expect(three).toEqual(one);
    const other = await learn(training, { ...options, seed: 1 });
    expect(other.forest).not.toEqual(one.forest);
  });

  it.each([
    { kind: 'all' },
    { kind: 'bagging', fraction: 0.5 },
    { kind: 'goss', top: 0.2, other: 0.2 },
  ] as const)('goes on after an interruption with the same bytes, rows: $kind', async (rowSampling) => {
    const classesOf = (data: Examples): Examples => ({
      ...data,
      targets: data.targets.map((y) => (y > 2 ? 2 : y > 0.5 ? 1 : 0)),
    });
    const training = classesOf(mixed(500, 4));
    const validation = classesOf(mixed(200, 5));
    const options = {
      objective: { kind: 'softmax', classes: 3 },
      rounds: 25,
      leastRows: 5,
      columnFraction: 0.7,
      rowSampling,
    } as const;
    const states: Uint8Array[] = [];
    const onBlock: ForestControl['onBlock'] = (_, state) => states.push(writePartial('it', state()));
    const whole = await learn(training, options, validation, { onBlock });
    const [first = new Uint8Array()] = states;
    expect(readPartial('another', first)).toBeUndefined();
    expect(readPartial('it', first.subarray(1))).toBeUndefined();
    const partial = readPartial('it', first);
    expect(partial?.trees).toHaveLength(30);
    const resumed = await learn(training, options, validation, { partial });
    expect(resumed.history.slice(0, 10)).toEqual(partial?.history);
    expect(resumed).toEqual(whole);
  });

  it('stops early and keeps the best round', async () => {
    const { forest, history } = await learn(
      mixed(200, 6),
      { rounds: 500, patience: 7, learningRate: 0.3 },
      mixed(200, 7),
    );
    const losses = history.map(({ validationLoss }) => validationLoss ?? NaN);
    const best = losses.indexOf(Math.min(...losses)) + 1;
    expect(forest.trees).toHaveLength(best);
    expect(history).toHaveLength(best + 7);
  });

  it('cut short, is as good as its validation rows know', async () => {
    const data = [mixed(200, 6), mixed(200, 7)] as const;
    const options = { rounds: 60, patience: 0, learningRate: 0.3 };
    const whole = await learn(data[0], options, data[1]);
    const losses = whole.history.map(({ validationLoss }) => validationLoss ?? NaN);
    for (const rounds of [1, 5, 60]) {
      const best = losses.indexOf(Math.min(...losses.slice(0, rounds))) + 1;
      expect(grownUntil(whole, rounds)).toEqual((await learn(data[0], { ...options, rounds: best })).forest);
    }
    expect(grownUntil(whole, 60).trees.length).toBeLessThan(60);
    const unjudged = await learn(data[0], options);
    expect(grownUntil(unjudged, 5)).toEqual((await learn(data[0], { ...options, rounds: 5 })).forest);
  });

  it('never bends against a monotone constraint', async () => {
    const training = mixed(1000, 8);
    const targets = training.targets.map((y, row) => y + 2 * (training.features[0]?.values[row] ?? 0));
    const grid = Array.from({ length: 200 }, (_, at) => -3 + at * 0.03);
    const falls = async (monotone: readonly number[]): Promise<number> => {
      const { forest } = await learn({ ...training, targets }, { rounds: 20, leastRows: 5, monotone });
      let count = 0;
      for (const b of [-1, 0, 1, NaN])
        for (const c of [0, 1, 5, NaN]) {
          const answers = grid.map((a) => predictForest(forest, [a, b, c])[0] ?? NaN);
          answers.forEach((answer, at) => (count += at > 0 && answer < (answers[at - 1] ?? NaN) ? 1 : 0));
        }
      return count;
    };
    expect(await falls([])).toBeGreaterThan(0);
    expect(await falls([1, 0, 0])).toBe(0);
  });

  it.each([0.1, 0.5, 0.9])('finds the %d-quantile', async (level) => {
    const training = mixed(3000, 9);
    const test = mixed(1000, 10);
    const { forest } = await learn(training, {
      objective: { kind: 'quantile', level },
      rounds: 40,
      leastRows: 40,
      leaves: 15,
    });
    let below = 0;
    for (let row = 0; row < test.rows; row++)
      below += (test.targets[row] ?? NaN) <= (predictForest(forest, rowOf(test, row))[0] ?? NaN) ? 1 : 0;
    expect(Math.abs(below / test.rows - level)).toBeLessThan(0.06);
  });

  it('gives likely classes high scores, and weights count as repeated rows', async () => {
    // Few enough rows for a bin of its own for every value: quantiles do not know weights.
    const training = mixed(200, 11);
    const classes = training.targets.map((y) => (y > 1 ? 1 : 0));
    const labelled = { ...training, targets: classes };
    const options = {
      objective: { kind: 'logistic' },
      rounds: 5,
      leaves: 8,
      l2: 1,
      leastHessian: 1,
    } as const;
    const weights = Float64Array.from(classes, (_, row) => 1 + (row % 2));
    const twice = Array.from(classes, (_, row) => row).flatMap((row) => (row % 2 === 1 ? [row, row] : [row]));
    const repeated = examples(
      training.features.map(({ values, kind }) =>
        feature(
          twice.map((row) => values[row] ?? NaN),
          kind,
        ),
      ),
      twice.map((row) => classes[row] ?? NaN),
    );
    const weighted = await learn({ ...labelled, weights }, options);
    const doubled = await learn(repeated, options);
    let right = 0;
    for (let row = 0; row < training.rows; row++) {
      const [score = NaN] = predictForest(weighted.forest, rowOf(training, row));
      expect(score).toBeCloseTo(predictForest(doubled.forest, rowOf(training, row))[0] ?? NaN, 4);
      right += score > 0 === (classes[row] === 1) ? 1 : 0;
    }
    expect(right / training.rows).toBeGreaterThan(0.9);
  });

  it('counts and medians', async () => {
    const training = mixed(2000, 12);
    const counts = training.targets.map((y) => Math.max(0, Math.round(Math.exp(y / 2))));
    const poisson = await learn(
      { ...training, targets: counts },
      { objective: { kind: 'poisson' }, leastRows: 20 },
    );
    const losses = poisson.history.flatMap(({ loss }) => (loss === null ? [] : [loss]));
    expect(losses.at(-1)).toBeLessThan((losses[0] ?? NaN) - 0.05);
    const absolute = await learn(training, { objective: { kind: 'absolute' }, leastRows: 20 });
    expect(absolute.history.at(-1)?.loss).toBeLessThan(0.35);
  });

  it('answers the mean where nothing can be learned', async () => {
    const constant = examples([feature([1, 1, 1, 1]), feature([NAN, NAN, NAN, NAN])], [1, 2, 3, 4]);
    const { forest } = await learn(constant, { rounds: 3 });
    expect(predictForest(forest, [7, NAN])[0]).toBe(2.5);
  });

  it('stops when it is told to', async () => {
    const controller = new AbortController();
    const training = learn(mixed(5000, 13), { rounds: 100_000 }, undefined, {
      signal: controller.signal,
      onBlock: () => controller.abort(new Error('enough of it')),
    });
    await expect(training).rejects.toThrow('enough of it');
    const { history } = await learn(mixed(500, 13), { rounds: 100_000 }, undefined, { enough: () => true });
    expect(history).toHaveLength(10);
  });

  it('says so when it would need more memory than there can be', async () => {
    const values = Array.from({ length: 600 }, (_, row) => row);
    const columns = new Array<Feature>(2000).fill(feature(values));
    const failing = learn(examples(columns, values), { leaves: 1024, rounds: 1 });
    await expect(failing).rejects.toMatchObject({ code: 'OUT_OF_MEMORY' });
  });

  it('says so when the loss is no longer a number', async () => {
    const infinite = learn(examples([feature([1, 2])], [0, Infinity]));
    await expect(infinite).rejects.toMatchObject({ code: 'LOSS_NOT_FINITE' });
  });
});
