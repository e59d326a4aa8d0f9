import { portfolio } from './portfolio';

describe('portfolio', () => {
  const piecewise = (rows: number, columns: number) =>
    portfolio(rows, columns).flatMap((spec) =>
      spec.family === 'mlp' && spec.numeric === 'piecewise' ? [spec] : [],
    )[0];

  it('has a linear model, a plain network and one with piecewise-linear encoding', () => {
    expect(portfolio(16_000, 8).map(({ family }) => family)).toEqual(['linear', 'mlp', 'mlp']);
    expect(piecewise(16_000, 8)).toMatchObject({ bins: 32, members: 2 });
    expect(piecewise(800, 8)).toMatchObject({ bins: 16, members: 4 });
  });

  it('encodes many columns or rows with fewer bins, and leaves the encoding out where it would not fit', () => {
    expect(piecewise(16_000, 300)?.bins).toBe(13);
    expect(piecewise(1_000_000, 8)?.bins).toBe(12);
    expect(piecewise(16_000, 2000)).toBeUndefined();
    expect(piecewise(16_000, 0)).toBeUndefined();
  });

  it('takes fewer epochs where there are more rows', () => {
    const epochs = (rows: number) => piecewise(rows, 4)?.epochs ?? 0;
    expect(epochs(1_000_000)).toBeLessThan(epochs(20_000));
    expect(epochs(1_000_000)).toBeGreaterThanOrEqual(12);
  });
});
