import { CounterRandom, STREAMS, range, threefry } from './counter-random';

describe('CounterRandom', () => {
  it('matches the known answers of Threefry-2x32-20', () => {
    const out = new Uint32Array(2);
    threefry(0, 0, 0, 0, out);
    expect([...out]).toEqual([0x6b200159, 0x99ba4efe]);
    threefry(0x13198a2e, 0x03707344, 0x243f6a88, 0x85a308d3, out);
    expect([...out]).toEqual([0xc4923a9c, 0x483df7a0]);
  });

  it('gives the same permutation for the same seed and epoch, another for the next', () => {
    const order = (seed: number, epoch: number): number[] => [
      ...new CounterRandom(seed, STREAMS.shuffle, epoch).shuffle(range(100)),
    ];
    expect(order(7, 3)).toEqual(order(7, 3));
    expect(order(7, 3)).not.toEqual(order(7, 4));
    expect(order(8, 3)).not.toEqual(order(7, 3));
    expect([...order(7, 3)].sort((a, b) => a - b)).toEqual([...range(100)]);
  });

  it('is uniform enough: mean and variance of 100,000 draws', () => {
    const random = new CounterRandom(1, STREAMS.dropout);
    const draws = Float64Array.from({ length: 100_000 }, () => random.uniform());
    const mean = draws.reduce((a, b) => a + b) / draws.length;
    const variance = draws.reduce((a, b) => a + (b - mean) ** 2, 0) / draws.length;
    expect(mean).toBeCloseTo(0.5, 2);
    expect(variance).toBeCloseTo(1 / 12, 2);
  });
});
