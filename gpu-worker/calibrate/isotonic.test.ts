import { randomKey, randomUnit } from '../../onnx';
import { applyCurve, fitCurve, isotonicBlocks } from './isotonic';

const x = [0.1, 0.2, 0.3, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];
const y = [0, 1, 0, 0, 1, 0, 1, 1, 0, 1];

/** The fitted value at every observation, in ascending order. */
const fitted = (weight?: (row: number) => number): number[] => {
  const blocks = isotonicBlocks(x, y, weight);
  const counts = x.map((_, row) => weight?.(row) ?? 1);
  const values: number[] = [];
  let at = 0;
  for (const block of blocks)
    for (let left = block.weight; left > 1e-9; at++) {
      values.push(block.value);
      left -= counts[at];
    }
  return values;
};

describe('isotonic regression', () => {
  // IsotonicRegression(out_of_bounds='clip').fit(x, y).predict(x), scikit-learn 1.2.1
  it('fits what scikit-learn fits, with ties in x', () => {
    const expected = [0, 1 / 3, 1 / 3, 1 / 3, 0.5, 0.5, 2 / 3, 2 / 3, 2 / 3, 1];
    fitted().forEach((value, i) => expect(value).toBeCloseTo(expected[i], 12));
  });

  // The same with sample_weight=w
  it('fits what scikit-learn fits with weights', () => {
    const weights = [1, 2, 1, 1, 3, 1, 1, 1, 4, 1];
    const expected = [0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 1];
    fitted((row) => weights[row]).forEach((value, i) => expect(value).toBeCloseTo(expected[i], 12));
  });

  it('a group of equal x counts as one before it is pooled', () => {
    const values = isotonicBlocks([1, 2, 2, 2], [0.5, 0, 1, 1]).map(({ value }) => value);
    expect(values[0]).toBe(0.5);
    expect(values[1]).toBeCloseTo(2 / 3, 12);
  });

  it('the order of the rows does not matter', () => {
    const turned = isotonicBlocks([...x].reverse(), [...y].reverse());
    isotonicBlocks(x, y).forEach((block, i) => expect(turned[i].value).toBeCloseTo(block.value, 12));
  });
});

describe('a calibration curve', () => {
  const key = randomKey(3, 1);
  const scores = Float64Array.from({ length: 4000 }, (_, i) => randomUnit(key, i) ** 2);
  const hits = Float64Array.from(scores, (score, i) => (randomUnit(key, 10_000 + i) < score ** 0.5 ? 1 : 0));

  it('rises, stays within (0, 1), and has no two points closer than a 64th of their place', () => {
    const { from, to } = fitCurve(scores, hits);
    for (let i = 1; i < from.length; i++) {
      expect(from[i] - from[i - 1]).toBeGreaterThanOrEqual(from[i] / 64 - 1e-12);
      expect(to[i]).toBeGreaterThanOrEqual(to[i - 1]);
    }
    expect(to[0]).toBeGreaterThan(0);
    expect(to[to.length - 1]).toBeLessThan(1);
  });

  it('finds the true relation within a few hundredths', () => {
    const curve = applyCurve(fitCurve(scores, hits));
    for (const score of [0.05, 0.1, 0.25, 0.5, 0.8])
      expect(Math.abs(curve(score) - score ** 0.5)).toBeLessThan(0.08);
  });

  it('one block is a constant', () => {
    const curve = applyCurve(fitCurve([0.2, 0.4, 0.6], [1, 0, 0]));
    expect([0, 0.5, 1].map(curve)).toEqual([1 / 3, 1 / 3, 1 / 3]);
  });
});
