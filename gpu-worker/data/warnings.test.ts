/** Columns that teach nothing, or only what one wants to know: found and said. */
import type { DatasetWarning } from '../../contracts';
import { profileBytes } from './testing/profile-file';

const ROWS = 400;
const at = (row: number, step: number, size: number): number => ((row * step) % size) / 7;

/** `same` is empty or 3, `none` always empty, `town` always Rome; `y` is `a` + `b` + `c`, and once more in `copy`. */
const csv = (columns: readonly string[]): string => {
  const rows = Array.from({ length: ROWS }, (_, row) => {
    const [a, b, c] = [at(row, 37, 101), at(row, 11, 83), at(row, 53, 97)];
    const cells: Record<string, string | number> = {
      same: row % 3 === 0 ? '' : 3,
      none: '',
      town: 'Rome',
      a,
      b,
      c,
      other: at(row, 29, 89),
      copy: 2 * (a + b + c) + 1,
      y: a + b + c,
    };
    return columns.map((name) => cells[name]).join(',');
  });
  return `${columns.join(',')}\n${rows.join('\n')}\n`;
};
const warnings = async (columns: readonly string[]): Promise<DatasetWarning[]> =>
  (await profileBytes(csv(columns), 'y')).result.warnings;
const columnsOf = (found: readonly DatasetWarning[], code: DatasetWarning['code']): (string | null)[] =>
  found.filter((warning) => warning.code === code).map(({ column }) => column);

it('columns of one value at most, a copy of the target and its parts are left out of training', async () => {
  const found = await warnings(['same', 'none', 'town', 'a', 'b', 'c', 'other', 'copy', 'y']);
  expect(columnsOf(found, 'CONSTANT_COLUMN')).toEqual(['same', 'none', 'town']);
  expect(columnsOf(found, 'LEAKING_COLUMN')).toEqual(['copy', 'a', 'b', 'c']);
  const [same] = found;
  expect(same.message).toBe('it holds no two different values; it is left out of training');
});
