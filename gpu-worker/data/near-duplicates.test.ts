import { profileBytes } from './testing/profile-file';

const csv = (header: string, row: (i: number) => string, rows = 400): string =>
  [header, ...Array.from({ length: rows }, (_, i) => row(i))].join('\n');

const found = async (file: string): Promise<[string | null, string][]> => {
  const { result } = await profileBytes(file);
  return result.warnings
    .filter(({ code }) => code === 'NEAR_DUPLICATE_COLUMN')
    .map(({ column, message }) => [column, message]);
};

describe('near-duplicate columns', () => {
  it('are found in other units and in other words, and said of the later column', async () => {
    const wave = (i: number): number => Math.sin(i * 1.7) * 50 + (i % 13);
    const warnings = await found(
      csv('celsius,fahrenheit,city,town,y', (i) => {
        const celsius = wave(i);
        return `${celsius.toFixed(6)},${(celsius * 1.8 + 32).toFixed(6)},c${i % 3},${['x', 'yy', 'z'][i % 3]},${i % 17}`;
      }),
    );
    expect(warnings).toEqual([
      ['fahrenheit', expect.stringContaining('the column celsius')],
      ['town', expect.stringContaining('the column city')],
    ]);
  });

  it('are not seen where columns only go together', async () => {
    const warnings = await found(
      csv('a,b,city,country,y', (i) => {
        const a = Math.sin(i * 1.7) * 50;
        return `${a.toFixed(4)},${(a + Math.cos(i * 2.3)).toFixed(4)},c${i % 4},${i % 4 < 2 ? 'n' : 's'},${i % 17}`;
      }),
    );
    expect(warnings).toEqual([]);
  });

  it('rows that differ in their number only are duplicates', async () => {
    const { result } = await profileBytes(
      csv('id,a,b,y', (i) => `${i + 1},${i % 20},${(i % 20) * (i % 20)},${i % 20}`),
    );
    expect(result.warnings.map(({ code }) => code)).toContain('DUPLICATE_ROWS');
  });
});
