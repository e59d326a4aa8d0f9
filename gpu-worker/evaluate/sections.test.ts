import { LinearSpec, TreesSpec } from '../../contracts';
import { randomKey, randomUnit } from '../../onnx';
import { tableOf } from '../testing/table';
import { confusion } from './confusion';
import { classificationFairness, regressionFairness } from './fairness';
import { groupsOf } from './groups';
import { curveOf, learningCurve, whyNoCurve } from './learning-curve';
import { reliability } from './reliability';
import { residuals } from './residuals';
import { shareOf } from './shares';
import { worstSlices } from './slices';
import type { GroupedColumn } from './slices';

const signal = new AbortController().signal;
const range = (rows: number): number[] => Array.from({ length: rows }, (_, i) => i);

describe('shares', () => {
  // statsmodels.stats.proportion.proportion_confint(8, 10, method='wilson')
  it('have Wilson intervals', () => {
    const share = shareOf(8, 10);
    expect(share?.low).toBeCloseTo(0.4901625, 6);
    expect(share?.high).toBeCloseTo(0.9433178, 6);
    expect(shareOf(0, 0)).toBeNull();
  });
});

describe('reliability', () => {
  it('of two bins, by hand', () => {
    // Said 0.1 four times, true once; said 0.9 four times, true twice.
    const p = [0.1, 0.1, 0.1, 0.1, 0.9, 0.9, 0.9, 0.9].flatMap((second) => [1 - second, second]);
    const got = reliability(p, [0, 0, 0, 1, 1, 1, 0, 0], 2);
    expect(got).toMatchObject({
      of: 'positive',
      bins: [{ observed: { share: 0.25 } }, { observed: { share: 0.5 } }],
    });
    expect(got?.expectedError).toBeCloseTo((0.15 * 4 + 0.4 * 4) / 8, 12);
    expect(got?.maximumError).toBeCloseTo(0.4, 12);
    expect(got?.brier).toBeCloseTo((3 * 0.01 + 0.81 + 2 * 0.01 + 2 * 0.81) / 8, 12);
  });

  it('of many classes is about the most probable one', () => {
    const got = reliability([0.7, 0.2, 0.1, 0.1, 0.2, 0.7], [0, 1], 3);
    expect(got).toMatchObject({ of: 'top', bins: [{ observed: { rows: 2, share: 0.5 } }] });
    expect(reliability([], [], 3)).toBeUndefined();
  });
});

describe('confusion', () => {
  it('counts truth by decision and names the most frequent mistakes', () => {
    const got = confusion([0, 1, 1, 2, 1, 0], [0, 0, 0, 2, 2, -1], ['a', 'b', 'c']);
    expect(got.counts).toEqual([
      [1, 2, 0],
      [0, 0, 0],
      [0, 1, 1],
    ]);
    expect(got.worst).toEqual([
      { truth: 'a', decided: 'b', rows: 2 },
      { truth: 'c', decided: 'b', rows: 1 },
    ]);
  });

  it('of more than 50 classes only names the worst', () => {
    const classes = range(51).map(String);
    const got = confusion(
      range(51),
      range(51).map((i) => (i + 1) % 51),
      classes,
    );
    expect(got.counts).toBeNull();
    expect(got.worst).toHaveLength(20);
  });
});

describe('residuals', () => {
  it('quantiles, bars and groups by prediction', () => {
    const actual = range(100);
    const got = residuals(
      actual.map((y) => y + (y < 50 ? 1 : -3)),
      actual,
    );
    expect(got?.quantiles).toEqual([-3, -3, -3, -3, -1, 1, 1, 1, 1]);
    expect(got?.histogram.counts.reduce((a, b) => a + b)).toBe(100);
    expect(got?.histogram.counts[0]).toBe(50);
    expect(got?.byPrediction).toHaveLength(10);
    expect(got?.byPrediction[0]).toMatchObject({ rows: 10, mean: 1 });
    expect(got?.byPrediction[9]).toMatchObject({ mean: -3, q10: -3 });
  });
});

describe('groups', () => {
  const table = tableOf({
    few: range(12).map((i) => i % 3),
    many: range(12).map((i) => (i === 11 ? null : i)),
    kind: range(12).map((i) => (i < 6 ? 'a' : i < 9 ? 'b' : i < 11 ? 'c' : null)),
    t: { micros: range(12).map((i) => i * 86_400e6) },
  });
  const rows = Int32Array.from(range(12));
  const of = (at: number, bins: number, categories: number) =>
    groupsOf(table.columns[at], rows, { bins, categories });

  it('few distinct numbers are groups of their own; many are cut at quantiles; missing ones stand last', () => {
    expect(of(0, 4, 9).labels).toEqual(['0', '1', '2']);
    expect(of(1, 2, 9)).toEqual({
      codes: Int32Array.of(0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2),
      labels: ['up to 5', 'above 5', 'missing'],
    });
  });

  it('rare categories are one group', () => {
    expect(of(2, 4, 2).labels).toEqual(['a', 'b', '(other)', 'missing']);
    expect([...of(2, 4, 2).codes]).toEqual([0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 3]);
  });

  it('times are named by their minute', () => {
    expect(of(3, 2, 9).labels).toEqual(['up to 1970-01-06T12:00', 'above 1970-01-06T12:00']);
  });
});

describe('slices', () => {
  const rows = 4000;
  const key = randomKey(8, 8);
  const column = (name: string, labels: string[], at: number): GroupedColumn => ({
    column: name,
    labels,
    codes: Int32Array.from({ length: rows }, (_, row) =>
      Math.floor(randomUnit(key, row * 8 + at) * labels.length),
    ),
  });
  const columns = [
    column('a', ['a0', 'a1', 'a2'], 0),
    column('b', ['b0', 'b1', 'b2', 'b3'], 1),
    column('noise', ['n0', 'n1', 'n2', 'n3', 'n4'], 2),
  ];
  const noise = (row: number): number => randomUnit(key, row * 8 + 5);

  it('finds the planted pair of columns, and nothing else', async () => {
    const errors = Float64Array.from({ length: rows }, (_, row) =>
      columns[0].codes[row] === 1 && columns[1].codes[row] === 2 ? 2 + noise(row) : noise(row),
    );
    const { worst, overall, tested } = await worstSlices(errors, columns, 'mae', signal);
    expect(worst[0].where).toEqual([
      { column: 'a', is: 'a1' },
      { column: 'b', is: 'b2' },
    ]);
    expect(worst[0].error).toBeCloseTo(2.5, 1);
    expect(worst[0].atLeast).toBeGreaterThan(overall);
    expect(tested).toBe(3 + 4 + 5 + 12 + 15 + 20);
    for (const { where } of worst) expect(where.every(({ column: name }) => name !== 'noise')).toBe(true);
  });

  it('raises no alarm where there is only noise', async () => {
    const errors = Float64Array.from({ length: rows }, (_, row) => noise(row));
    expect((await worstSlices(errors, columns, 'mae', signal)).worst).toEqual([]);
  });

  it('too few rows make no slice', async () => {
    const short = columns.map((one) => ({ ...one, codes: one.codes.subarray(0, 40) }));
    expect(await worstSlices(new Float64Array(40).fill(1), short, 'mae', signal)).toMatchObject({
      tested: 0,
      worst: [],
    });
  });
});

describe('fairness', () => {
  const groups: GroupedColumn = {
    column: 'sex',
    labels: ['f', 'm', 'few'],
    codes: Int32Array.from(range(210), (row) => (row < 100 ? 0 : row < 200 ? 1 : 2)),
  };

  it('of a classification, by hand', () => {
    // f: 50 of 100 true, 20 of them and 10 others decided for; m: 50 true, 40 of them and 20 others.
    const codes = range(210).map((row) => (row % 100 < 50 ? 1 : 0));
    const decided = range(210).map((row) => {
      const [at, m] = [row % 100, row >= 100];
      return at < (m ? 40 : 20) || (at >= 50 && at < (m ? 70 : 60)) ? 1 : 0;
    });
    const got = classificationFairness(groups, decided, codes, ['no', 'yes']);
    expect(got).toMatchObject({ column: 'sex', label: 'yes' });
    expect(got.groups.map(({ rows, small }) => [rows, small])).toEqual([
      [100, false],
      [100, false],
      [10, true],
    ]);
    expect(got.groups[0]).toMatchObject({ selectionRate: { share: 0.3 }, truePositiveRate: { share: 0.4 } });
    expect(got.demographicParityDifference).toBeCloseTo(0.3, 12);
    expect(got.disparateImpactRatio).toBeCloseTo(0.5, 12);
    expect(got.equalOpportunityDifference).toBeCloseTo(0.4, 12);
    expect(got.equalizedOddsDifference).toBeCloseTo(0.4, 12);
    expect(got.accuracyGap).toBeCloseTo(0.7 - 0.6, 12);
  });

  it('of many classes is about the one with the greatest gap', () => {
    const decided = range(210).map((row) => (row < 100 ? row % 2 : row % 10 === 0 ? 0 : 2));
    const got = classificationFairness(groups, decided, new Array<number>(210).fill(0), ['a', 'b', 'c']);
    expect(got.label).toBe('c');
    expect(got.demographicParityDifference).toBeCloseTo(0.9, 12);
  });

  it('of a regression: gaps of bias and of error size', () => {
    const predicted = range(210).map((row) => (row < 100 ? 1 : row % 2 === 0 ? 2 : -2));
    const got = regressionFairness(groups, predicted, new Float64Array(210));
    expect(got.meanErrorGap).toBeCloseTo(1, 12);
    expect(got.meanAbsoluteErrorGap).toBeCloseTo(1, 12);
    expect(got.demographicParityDifference).toBeNull();
  });
});

describe('the learning curve', () => {
  it('keeps the first, the best and the last of many epochs', () => {
    const history = range(1000).map((i) => ({ epoch: i + 1, loss: 1 / (i + 1), valLoss: Math.abs(i - 777) }));
    const curve = learningCurve(history, 'epoch');
    expect(curve?.points.length).toBeLessThanOrEqual(200);
    expect(curve?.best).toBe(778);
    expect(curve?.points.map(({ at }) => at)).toEqual(expect.arrayContaining([1, 778, 1000]));
    expect(learningCurve([], 'epoch')).toBeNull();
  });

  it('counts trees, epochs or the trials of a search, and its absence has a reason', () => {
    const [spec, history] = [LinearSpec.parse({ family: 'linear' }), [{ epoch: 1, loss: 2, valLoss: 1 }]];
    expect(curveOf({ spec, history: [], searched: history })).toMatchObject({ unit: 'trial', best: 1 });
    expect(curveOf({ spec: TreesSpec.parse({ family: 'trees' }), history })).toMatchObject({ unit: 'tree' });
    expect(whyNoCurve({ spec, history: [], searched: history })).toEqual([]);
    expect(whyNoCurve({ spec, history: [] })).toEqual([
      { section: 'learningCurve', why: expect.stringContaining('solved for as a whole') as string },
    ]);
  });
});
