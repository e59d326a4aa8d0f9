import { randomKey, randomUnit } from '../../../onnx';
import { openSessionCount } from '../../engine/onnxruntime';
import type { SealedFile } from '../../evaluate/explain/sealed-file';
import { tableOf } from '../../testing/table';
import type { ShapleyValues, Trained } from '../trained';
import { predictForest } from './forest';
import { shapValues } from './shap';
import { examples, feature, learn, mixed, rowOf } from './testing/learn';
import { definition, difference, expectSame, learnt, sharesByDefinition, sharesOf } from './testing/shapley';

const { signal } = new AbortController();
afterEach(() => expect(openSessionCount()).toBe(0));

describe('Shapley values of a forest', () => {
  it.each([
    { playerOf: [0, 1, 2, 3], of: 'single features' },
    { playerOf: [1, 0, 2, 1], of: 'features that become known together' },
  ])('of $of are those of the definition', async ({ playerOf }) => {
    const training = mixed(400, 23);
    const squares = feature(Array.from({ length: 400 }, (_, row) => rowOf(training, row)[0] ** 2));
    const all = examples([...training.features, squares], [...training.targets]);
    const targets = all.targets.map((y) => (y > 2 ? 2 : y > 0.5 ? 1 : 0));
    const { forest } = await learn(
      { ...all, targets },
      { objective: { kind: 'softmax', classes: 3 }, rounds: 5, leaves: 10, leastRows: 5 },
    );
    const matrixOf = (from: number, to: number): Parameters<typeof shapValues>[1]['rows'] => ({
      rows: to - from,
      width: 4,
      values: Float32Array.from(Array.from({ length: to - from }, (_, i) => rowOf(all, from + i)).flat()),
    });
    const [rows, background] = [matrixOf(0, 15), matrixOf(15, 40)];
    const players = Math.max(...playerOf) + 1;
    const outputs = Int32Array.from({ length: 15 }, (_, row) => row % 3);
    const game = { rows, outputs, background, players, playerOf: Int32Array.from(playerOf), joint: [] };
    const found = await shapValues(forest, game, signal);
    expect(found).toHaveLength(15);
    for (const [row, values] of found?.entries() ?? []) {
      const mean = (set: number): number => {
        let sum = 0;
        for (let from = 0; from < background.rows; from++) {
          const mixture = playerOf.map((player, i) =>
            (set >> player) & 1 ? rows.values[row * 4 + i] : background.values[from * 4 + i],
          );
          sum += predictForest(forest, mixture)[outputs[row]];
        }
        return sum / background.rows;
      };
      expectSame(values, await definition(players, mean), 10);
    }
  });

  it('are zero where a forest has no tree', async () => {
    const training = mixed(100, 3);
    const { forest } = await learn(training, { rounds: 3 });
    const rows = { rows: 1, width: 3, values: Float32Array.from(rowOf(training, 0)) };
    const game = { rows, background: rows, outputs: Int32Array.of(0), players: 3, joint: [] };
    const empty = { ...forest, trees: [] };
    const found = await shapValues(empty, { ...game, playerOf: Int32Array.of(0, 1, 2) }, signal);
    expect(found).toEqual([{ base: forest.base[0], output: forest.base[0], values: new Float64Array(3) }]);
  });
});

describe('Shapley values of a model of trees', () => {
  const count = 400;
  const uniform = (stream: number): number[] =>
    Array.from({ length: count }, (_, row) => randomUnit(randomKey(77, stream), row));
  const [x, u, v, w] = [1, 2, 3, 4].map(uniform);
  const day = 86_400_000_000;
  const score = x.map(
    (value, row) =>
      4 * value * (u[row] < 0.5 ? 1 : -1) +
      (v[row] < 0.4 ? 2 : 0) +
      Math.floor(7 * w[row]) / 3 +
      0.3 * u[row],
  );
  const inputs = {
    x: x.map((value, row) => (row % 13 === 0 ? null : value)),
    kind: u.map((value, row) =>
      row % 17 === 0 ? null : value < 0.5 ? 'up' : value < 0.8 ? 'down' : 'under',
    ),
    text: { texts: v.map((value, row) => `${value < 0.4 ? 'good' : 'poor'} thing number ${row % 3}`) },
    when: { micros: w.map((value, row) => 1.7e15 + Math.floor(7 * value) * day + (row % 24) * 3.6e9) },
  };

  const rows = Int32Array.of(321, 338, 340, 377, 399);
  const shared = (trained: Trained, label: number): Promise<ShapleyValues[]> =>
    sharesOf(trained, rows, label);
  const asked = (
    file: SealedFile,
    row: number,
    of: (answer: Float32Array) => number,
  ): Promise<ShapleyValues> => sharesByDefinition(file, row, of);

  it.each([
    { objective: 'squared', unit: 'target' },
    { objective: 'quantile', quantile: 0.8, unit: 'target' },
    { objective: 'poisson', unit: 'log' },
  ])(
    'of numbers ($objective): numbers, categories, texts and dates, each a player',
    async ({ unit, ...spec }) => {
      const table = tableOf({ ...inputs, y: score.map((value) => 10 * (value + 5)) });
      const { target, trained, file } = await learnt(table, 'regression', spec);
      if (target.task !== 'regression') throw new Error('a regression');
      try {
        expect(trained.shapley?.unit).toBe(unit);
        for (const [at, found] of (await shared(trained, 0)).entries()) {
          const inUnit = (value: number): number => (unit === 'log' ? Math.log(value) : value);
          const of = ([answer]: Float32Array): number => inUnit(answer * target.deviation + target.mean);
          expectSame(found, await asked(file, rows[at], of), 3);
        }
      } finally {
        await file.close();
      }
    },
  );

  it('of two classes: log-odds of the label that is asked for', async () => {
    const table = tableOf({ ...inputs, y: score.map((value) => (value > 1.5 ? 'yes' : 'no')) });
    const { trained, file } = await learnt(table, 'classification', {});
    try {
      expect(trained.shapley?.unit).toBe('log-odds');
      for (const label of [0, 1])
        for (const [at, found] of (await shared(trained, label)).entries())
          expectSame(found, await asked(file, rows[at], (p) => Math.log(p[label] / p[1 - label])), 3);
    } finally {
      await file.close();
    }
  });

  it('of three classes: differences of their scores are those of their log probabilities', async () => {
    const table = tableOf({
      ...inputs,
      y: score.map((value) => (value > 3 ? 'c' : value > 0.5 ? 'b' : 'a')),
    });
    const { trained, file } = await learnt(table, 'classification', {});
    try {
      expect(trained.shapley?.unit).toBe('score');
      const [first, second, third] = await Promise.all([0, 1, 2].map((label) => shared(trained, label)));
      for (const [label, others] of [second, third].entries())
        for (const [at, other] of others.entries())
          expectSame(
            difference(other, first[at]),
            await asked(file, rows[at], (p) => Math.log(p[label + 1] / p[0])),
            3,
          );
    } finally {
      await file.close();
    }
  });
});
