import { randomKey, randomUnit } from '../../../onnx';
import { openSessionCount } from '../../engine/onnxruntime';
import { tableOf } from '../../testing/table';
import { predictForest } from './forest';
import { shapValues } from './shap';
import { examples, feature, learn } from './testing/learn';
import { definition, difference, expectSame, learnt, sharesByDefinition, sharesOf } from './testing/shapley';

const { signal } = new AbortController();
afterEach(() => expect(openSessionCount()).toBe(0));

describe('Shapley values of a forest of joint features', () => {
  it('are those of the definition', async () => {
    const [count, players] = [400, 5];
    const columns = Array.from({ length: count }, (_, row) =>
      Array.from({ length: players }, (_, column) => randomUnit(randomKey(5, column), row) - 0.3),
    );
    // A chain of four players, each of two columns of them also by itself.
    const pairs = [
      { of: [0, 1], make: (a: number, b: number) => a * b },
      { of: [2, 1], make: (a: number, b: number) => (b > 0 ? a / b : NaN) },
      { of: [2, 3], make: (a: number, b: number) => a - b },
    ] as const;
    const featuresOf = (cells: readonly number[]): number[] => [
      ...[cells[0], cells[4], cells[2]],
      ...pairs.map(({ of: [a, b], make }) => make(cells[a], cells[b])),
    ];
    const features = columns.map(featuresOf);
    const targets = features.map(
      ([a, e, c, product, ratio, difference]) =>
        8 * product * (difference > 0 ? 1 : -1) +
        Math.max(-2, Math.min(2, Number.isNaN(ratio) ? a : ratio)) +
        a * e -
        c,
    );
    const all = examples(
      features[0].map((_, i) => feature(features.map((row) => row[i]))),
      targets,
    );
    const { forest } = await learn(all, { rounds: 20, leaves: 16, leastRows: 5 });
    expect(new Set(forest.trees.flatMap((tree) => tree.feature.filter((_, i) => tree.left[i] > 0)))).toEqual(
      new Set([0, 1, 2, 3, 4, 5]),
    );
    const matrixOf = (from: number, to: number): Parameters<typeof shapValues>[1]['rows'] => ({
      ...{ rows: to - from, width: 6 },
      values: Float32Array.from(features.slice(from, to).flat()),
    });
    const [explained, unknown] = [columns.slice(0, 15), columns.slice(15, 40)];
    const of = (make: (known: number[], from: number[]) => number): Float32Array =>
      Float32Array.from(explained.flatMap((known) => unknown.map((from) => make(known, from))));
    const game = {
      ...{ rows: matrixOf(0, 15), background: matrixOf(15, 40), outputs: new Int32Array(15), players },
      playerOf: Int32Array.of(0, 4, 2, 0, 2, 2),
      joint: pairs.map(({ of: [a, b], make }, i) => ({
        ...{ feature: 3 + i, second: b },
        firstKnown: of((known, from) => make(known[a], from[b])),
        secondKnown: of((known, from) => make(from[a], known[b])),
      })),
    };
    expect(await shapValues(forest, game, signal, 1000)).toBeUndefined(); // too many leaves
    const found = await shapValues(forest, game, signal);
    expect(found).toHaveLength(15);
    for (const [row, values] of found?.entries() ?? []) {
      const mean = (set: number): number => {
        const answers = unknown.map((from) => {
          const mixture = from.map((cell, i) => ((set >> i) & 1 ? explained[row][i] : cell));
          return predictForest(forest, Float32Array.from(featuresOf(mixture)))[0];
        });
        return answers.reduce((sum, answer) => sum + answer, 0) / answers.length;
      };
      expectSame(values, await definition(players, mean), 10);
    }
  });
});

describe('Shapley values of trees with interactions', () => {
  const count = 800;
  const uniform = (stream: number): number[] =>
    Array.from({ length: count }, (_, row) => randomUnit(randomKey(91, stream), row) - 0.4);
  const [a, b, c, d] = [1, 2, 3, 4].map(uniform);
  /** Quotients where nothing is divided by, and gaps: mixtures have values that none of their rows has. */
  const inputs = {
    a: a.map((value, row) => (row % 11 === 0 ? null : value)),
    b: b.map((value, row) => (row % 13 === 0 ? 0 : Math.round(20 * value) / 20)),
    c,
    d: d.map((value, row) => (row % 17 === 0 ? null : value)),
    kind: a.map((_, row) => (row % 3 === 0 ? 'up' : 'down')),
  };
  const score = a.map((value, row) => {
    const ratio = Math.max(-2, Math.min(2, c[row] / (b[row] || 1)));
    return 8 * value * b[row] + ratio + 6 * c[row] * d[row] + (row % 3 === 0 ? 0.5 : 0);
  });
  const spec = { interactions: 6, trees: 40, leaves: 12 };
  const rows = Int32Array.of(641, 650, 663, 700, 799);

  it.each([
    { players: 'columns', playerOf: undefined },
    {
      players: 'columns, some of which become known together',
      playerOf: (name: string) => ({ a: 0, b: 1, c: 2, d: 2 })[name] ?? 1,
    },
  ])('are those of the definition: $players', async ({ playerOf }) => {
    const table = tableOf({ ...inputs, y: score.map((value) => 10 * (value + 5)) });
    const { target, trained, pairs, file } = await learnt(table, 'regression', spec);
    expect(pairs).toEqual(expect.arrayContaining(['a and b', 'c and d', 'b and c']));
    if (target.task !== 'regression') throw new Error('a regression');
    try {
      const of = ([answer]: Float32Array): number => answer * target.deviation + target.mean;
      for (const [at, found] of (await sharesOf(trained, rows, 0, playerOf)).entries())
        expectSame(found, await sharesByDefinition(file, rows[at], of, playerOf), 3);
    } finally {
      await file.close();
    }
  });

  it('are those of the definition where two lags make a feature, each known with its column', async () => {
    const before = (values: readonly number[]): number[] =>
      values.map((_, row) => values[Math.max(0, row - 1)]);
    const [lateA, lateB] = [before(a), before(b)];
    const y = a.map(
      (value, row) => 8 * lateA[row] * lateB[row] + 5 * value * lateA[row] + 3 * c[row] * lateB[row],
    );
    const table = tableOf({ cycle: a.map((_, row) => row), a, b, c, y });
    const windowed = { ...spec, window: { length: 3, order: 'cycle' } };
    const alone = await learnt(table, 'regression', { ...windowed, interactions: 0 });
    const { target, trained, file } = await learnt(table, 'regression', windowed);
    if (target.task !== 'regression') throw new Error('a regression');
    try {
      const of = ([answer]: Float32Array): number => answer * target.deviation + target.mean;
      const found = await sharesOf(trained, rows, 0);
      expect(found).not.toEqual(await sharesOf(alone.trained, rows, 0));
      for (const [at, shares] of found.entries())
        expectSame(shares, await sharesByDefinition(file, rows[at], of), 3);
    } finally {
      await file.close();
      await alone.file.close();
    }
  });

  it('are those of the definition: log-odds of a label', async () => {
    const table = tableOf({ ...inputs, y: score.map((value) => (value > 0.5 ? 'yes' : 'no')) });
    const { trained, pairs, file } = await learnt(table, 'classification', spec);
    expect(pairs).not.toEqual([]);
    try {
      for (const [at, found] of (await sharesOf(trained, rows, 1)).entries())
        expectSame(found, await sharesByDefinition(file, rows[at], ([no, yes]) => Math.log(yes / no)), 3);
    } finally {
      await file.close();
    }
  });

  it('are those of the definition: scores of three labels, by their differences', async () => {
    const label = (value: number): string => (value > 1 ? 'high' : value > 0 ? 'middle' : 'low');
    const table = tableOf({ ...inputs, y: score.map(label) });
    const { trained, pairs, file } = await learnt(table, 'classification', spec);
    expect(pairs).not.toEqual([]);
    try {
      const [first, second, third] = await Promise.all([0, 1, 2].map((at) => sharesOf(trained, rows, at)));
      for (const [more, others] of [second, third].entries())
        for (const [at, other] of others.entries())
          expectSame(
            difference(other, first[at]),
            await sharesByDefinition(file, rows[at], (p) => Math.log(p[more + 1] / p[0])),
            3,
          );
    } finally {
      await file.close();
    }
  });
});
