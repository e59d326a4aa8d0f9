import { randomKey, randomNormal } from '../../../onnx';
import { choose, rowLosses } from './choose';

const losses = (rows: number, level: number, stream: number): Float64Array =>
  Float64Array.from({ length: rows }, (_, i) => level + randomNormal(randomKey(1, stream), i) ** 2);

describe('choose', () => {
  it('keeps the last candidate when another is better within the noise only', () => {
    const favourite = losses(100, 1, 1);
    expect(
      choose([losses(100, 5, 2), favourite.map((loss, i) => loss + (i % 2 === 0 ? -1.02 : 1)), favourite]),
    ).toBe(2);
  });

  it('takes another that is clearly better, and the last where it is best', () => {
    const favourite = losses(400, 1, 1);
    const better = favourite.map((loss) => loss - 0.5);
    expect(choose([losses(400, 5, 2), better, favourite])).toBe(1);
    expect(choose([favourite, losses(400, 5, 2), better])).toBe(2);
    expect(choose([favourite])).toBe(0);
  });

  it('counts squared errors and log losses row by row', () => {
    const regression = {
      task: 'regression',
      values: Float64Array.of(9, 1, 4),
      mean: 0,
      deviation: 1,
    } as const;
    expect([
      ...rowLosses({ rows: 2, values: Float32Array.of(3, 4) }, regression, Int32Array.of(1, 2)),
    ]).toEqual([4, 0]);
    const classes = {
      task: 'classification',
      codes: Int32Array.of(1, 0),
      classes: ['a', 'b'],
      counts: [1, 1],
    } as const;
    const got = rowLosses(
      { rows: 2, values: Float32Array.of(0.5, 0.5, 0.25, 0.75) },
      classes,
      Int32Array.of(0, 1),
    );
    expect(got[0]).toBeCloseTo(Math.log(2), 6);
    expect(got[1]).toBeCloseTo(Math.log(4), 6);
  });
});
