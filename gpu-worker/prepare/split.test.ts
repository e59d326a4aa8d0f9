/** Validation rows are chosen as the held-out ones were. */
import type { HoldoutRule } from '../../contracts';
import { tableOf } from '../testing/table';
import { splitRows, splitSequences } from './split';
import { rowOrder } from './window';

const ROWS = 300;
const units = Array.from({ length: ROWS }, (_, row) => row % 30);
const held = (unit: number): boolean => unit % 5 === 0;
const cells = {
  unit: units.map((unit) => `u${unit}`),
  number: units,
  cycle: units.map((_, row) => Math.floor(row / 30)),
  y: units.map((_, row) => row),
};
const table = tableOf(cells, (row) => held(units[row]));
const groups = (column: string): HoldoutRule => ({ kind: 'group', column, salt: '', fraction: 0.2 });
const unitsOf = (rows: Int32Array): Set<number> => new Set(Array.from(rows, (row) => units[row]));

describe.each(['unit', 'number'])('a table whose rows are held out by %s', (column) => {
  it.each([
    ['row by row', () => splitRows(table, 'y', groups(column), 0.2, 1)],
    [
      'as sequences that run through all groups',
      () =>
        splitSequences(
          table,
          { target: 'y', holdout: groups(column), seed: 1 },
          rowOrder(table, 'cycle', null),
          0.2,
        ),
    ],
  ])('has whole groups in each part, %s', (_, split) => {
    const { training, validation, test } = split();
    const parts = [training, validation, test].map(unitsOf);
    expect(parts.reduce((sum, { size }) => sum + size, 0)).toBe(30);
    expect(parts[2]).toEqual(new Set(units.filter(held)));
    expect(validation.length / (training.length + validation.length)).toBeCloseTo(0.2, 1);
    expect(split()).toEqual({ training, validation, test });
  });
});

it('rows without a group are learned from', () => {
  const some = tableOf(
    { ...cells, unit: cells.unit.map((unit, row) => (row % 2 === 0 ? null : unit)) },
    (row) => held(units[row]),
  );
  const { validation } = splitRows(some, 'y', groups('unit'), 0.2, 1);
  expect(validation.length).toBeGreaterThan(0);
  expect(Array.from(validation, (row) => row % 2)).toEqual(Array.from(validation, () => 1));
});

it('of two groups the smaller one is for validation, of one the last rows', () => {
  const two = tableOf({ unit: units.map((_, row) => (row < 100 ? 'a' : 'b')), y: cells.y });
  expect(splitRows(two, 'y', groups('unit'), 0.2, 1).validation).toHaveLength(100);
  const one = tableOf({ unit: units.map(() => 'a'), y: cells.y });
  expect(splitRows(one, 'y', groups('unit'), 0.2, 1).validation).toHaveLength(60);
});

it('without a share no row is for validation', () => {
  expect(splitRows(table, 'y', groups('unit'), 0, 1).validation).toHaveLength(0);
});
