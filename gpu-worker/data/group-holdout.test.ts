/** Rows with one value of a column are held out together, in this version and in every later one. */
import type { HoldoutRule } from '../../contracts';
import { profileBytes } from './testing/profile-file';
import type { Profiled } from './testing/profile-file';

const ROWS = 600;
const csv = (header: string, line: (i: number) => string): string =>
  `${header}\n${Array.from({ length: ROWS }, (_, i) => line(i)).join('\n')}\n`;
/** 30 engines of 20 rows each. */
const engines = (unit: (number: number) => string): string =>
  csv('unit,kind,a,y', (i) => `${unit(1 + Math.floor(i / 20))},k${i % 3},${(i * 7) % 90},${Math.sin(i)}`);
const plain = engines(String);

/** Side of each value of the first column that is there, with what is missing as `null`. */
const sides = ({ table }: Profiled): Map<string | null, Set<number>> => {
  const [unit] = table.columns;
  const found = new Map<string | null, Set<number>>();
  table.holdout.forEach((held, row) => {
    const cell = 'values' in unit ? unit.values[row] : (unit.dictionary[unit.codes[row]] ?? NaN);
    const value = Number.isNaN(cell) ? null : String(cell).toLowerCase();
    found.set(value, (found.get(value) ?? new Set()).add(held));
  });
  return found;
};
const heldOut = (profiled: Profiled): string[] =>
  [...sides(profiled)].filter(([, held]) => held.has(1)).map(([value]) => String(value));

it('groups are whole on one side, and about the wanted share of the rows is held out', async () => {
  const profiled = await profileBytes(plain, 'y', { holdoutGroup: 'unit' });
  const { holdout, rows, holdoutRows } = profiled.result;
  expect(holdout).toMatchObject({ kind: 'group', column: 'unit', fraction: 0.2 });
  expect(sides(profiled).size).toBe(30);
  for (const side of sides(profiled).values()) expect(side.size).toBe(1);
  expect(holdoutRows / rows).toBeGreaterThan(0.1);
  expect(holdoutRows / rows).toBeLessThan(0.4);
  const again = await profileBytes(plain, 'y', { holdoutGroup: 'unit' });
  expect(again.result).toEqual(profiled.result);
});

it('a later version holds out the same groups, however it spells them', async () => {
  const first = await profileBytes(plain, 'y', { holdoutGroup: 'unit' });
  const { holdout } = first.result;
  const spelled = await profileBytes(
    engines((unit) => `${unit}.0`),
    'y',
    { holdout },
  );
  expect(heldOut(spelled)).toEqual(heldOut(first));

  const named = await profileBytes(
    engines((unit) => `Engine-${unit}`),
    'y',
    { holdoutGroup: 'unit' },
  );
  const loud = await profileBytes(
    engines((unit) => `ENGINE-${unit}`),
    'y',
    { holdout: named.result.holdout },
  );
  expect(heldOut(loud)).toEqual(heldOut(named));
});

it('rows without a group are never held out', async () => {
  const file = engines((unit) => (unit % 2 === 0 ? '' : `e${unit}`));
  const profiled = await profileBytes(file, 'y', { holdoutGroup: 'unit' });
  expect(sides(profiled).get(null)).toEqual(new Set([0]));
  expect(heldOut(profiled).length).toBeGreaterThan(0);
});

it('goes before a time column that orders the rows, and holds nothing out where nothing is asked for', async () => {
  const file = csv('at,unit,y', (i) => `${new Date(i * 3_600_000).toISOString()},u${i % 20},${Math.sin(i)}`);
  const byGroup = await profileBytes(file, 'y', { holdoutGroup: 'unit' });
  expect(byGroup.result.holdout.kind).toBe('group');
  const none = await profileBytes(plain, 'y', { holdoutGroup: 'unit', holdoutFraction: 0 });
  expect(none.result.holdoutRows).toBe(0);
});

it('few groups of unequal size come as near as they can', async () => {
  const file = csv('unit,a,y', (i) => `${i < 400 ? 'large' : `small${i % 4}`},${i % 90},${Math.sin(i)}`);
  const { result } = await profileBytes(file, 'y', { holdoutGroup: 'unit' });
  expect(result.holdoutRows / result.rows).toBeGreaterThan(0);
  expect(result.holdoutRows / result.rows).toBeLessThan(0.4);
});

it.each([
  ['nowhere', 'UNKNOWN_COLUMN', 'unit, kind, a'],
  ['y', 'UNKNOWN_COLUMN', 'unit, kind, a'],
  ['kind', 'TOO_FEW_GROUPS', 'unit, a'],
])('%s is refused as %s with the choices', async (holdoutGroup, code, choices) => {
  await expect(profileBytes(plain, 'y', { holdoutGroup })).rejects.toMatchObject({
    code,
    path: [holdoutGroup],
    hint: expect.stringContaining(`one of: ${choices}`) as string,
  });
});

it('a group that is nearly everything is refused', async () => {
  const file = csv('unit,a,y', (i) => `${i < 596 ? 'all' : `one${i}`},${i % 90},${Math.sin(i)}`);
  await expect(profileBytes(file, 'y', { holdoutGroup: 'unit' })).rejects.toMatchObject({
    code: 'TOO_FEW_GROUPS',
    message: expect.stringContaining('different sizes') as string,
  });
});

it('of five groups one is held out, though that is more than was asked for', async () => {
  const file = csv('unit,a,y', (i) => `u${i % 5},${i % 90},${Math.sin(i)}`);
  const { result } = await profileBytes(file, 'y', { holdoutGroup: 'unit', holdoutFraction: 0.05 });
  expect(result.holdoutRows).toBe(ROWS / 5);
});

it('a later file without the column is refused', async () => {
  const holdout: HoldoutRule = { kind: 'group', column: 'engine', salt: 's', fraction: 0.2 };
  await expect(profileBytes(plain, 'y', { holdout })).rejects.toMatchObject({
    code: 'BAD_INPUT',
    path: ['engine'],
  });
});
