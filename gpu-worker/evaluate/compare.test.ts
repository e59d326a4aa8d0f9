import { randomKey, randomUnit } from '../../onnx';
import { compare } from './compare';

const noise = (rows: number, scale: number, sequence: number): Float64Array => {
  const key = randomKey(11, sequence);
  return Float64Array.from({ length: rows }, (_, i) => (scale * (randomUnit(key, i) - 0.5)) ** 2);
};

describe('compare', () => {
  it('a clearly smaller error is better, and the interval excludes zero', () => {
    const got = compare({ metric: 'rmse', champion: noise(500, 2, 1), challenger: noise(500, 1, 2) }, 1);
    expect(got?.better).toBe('challenger');
    expect(got?.high).toBeLessThan(0);
    expect(got?.difference).toBeGreaterThan(got?.low ?? NaN);
    expect(got?.difference).toBeLessThan(got?.high ?? NaN);
  });

  it('equal models are undecided with a zero difference', () => {
    const same = noise(300, 1, 3);
    expect(compare({ metric: 'rmse', champion: same, challenger: same }, 1)).toMatchObject({
      difference: 0,
      low: 0,
      high: 0,
      better: 'undecided',
    });
  });

  it('covers the true difference about as often as it says', () => {
    let covered = 0;
    for (let trial = 0; trial < 10; trial++) {
      const got = compare(
        {
          metric: 'rmse',
          champion: noise(200, 1, 2 * trial + 10),
          challenger: noise(200, 1, 2 * trial + 11),
        },
        trial,
      );
      if (got?.better === 'undecided') covered++;
    }
    expect(covered).toBeGreaterThanOrEqual(7);
  });

  it('accuracy: more right answers are better', () => {
    const champion = Float64Array.from({ length: 400 }, (_, i) => (i % 2 === 0 ? 1 : 0));
    const challenger = Float64Array.from({ length: 400 }, (_, i) => (i % 5 === 0 ? 0 : 1));
    expect(compare({ metric: 'accuracy', champion, challenger }, 1)?.better).toBe('challenger');
  });

  it('cost: less is better', () => {
    const champion = Float64Array.from({ length: 400 }, (_, i) => (i % 2 === 0 ? 5 : 0));
    const challenger = Float64Array.from({ length: 400 }, (_, i) => (i % 5 === 0 ? 5 : 0));
    expect(compare({ metric: 'cost', champion, challenger }, 1)).toMatchObject({
      champion: 2.5,
      challenger: 1,
      better: 'challenger',
    });
  });

  it('is a pure function of its seed, and says nothing without rows', () => {
    const scores = { metric: 'rmse' as const, champion: noise(50, 1, 1), challenger: noise(50, 1, 2) };
    expect(compare(scores, 5)).toEqual(compare(scores, 5));
    expect(
      compare({ ...scores, champion: new Float64Array(0), challenger: new Float64Array(0) }, 5),
    ).toBeUndefined();
  });
});
