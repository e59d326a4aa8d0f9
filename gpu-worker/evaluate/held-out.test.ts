/** Reports say where held-out rows hang together with those that were learned from, and only there. */
import { ModelSpec } from '../../contracts';
import type { HoldoutRule } from '../../contracts';
import { randomKey, randomNormal } from '../../onnx';
import { pose } from '../purpose';
import { request } from '../testing/examples';
import { tableOf } from '../testing/table';
import { heldOutWarnings } from './held-out';

const ROWS = 600;
const HOUR = 3_600_000_000;
const units = Array.from({ length: ROWS }, (_, row) => row % 30);
const hours = units.map((_, row) => (row * 7) % ROWS);
const cells = {
  unit: units.map((unit) => `u${unit}`),
  cycle: units.map((_, row) => Math.floor(row / 30)),
  at: { micros: hours.map((hour) => hour * HOUR) },
  y: units.map((_, row) => randomNormal(randomKey(4, 1), row)),
};
const wave = { ...cells, y: hours.map((hour) => Math.sin(hour / 20)) };
const HASH: HoldoutRule = { kind: 'hash', salt: '', fraction: 0.2 };
const UNIT: HoldoutRule = { kind: 'group', column: 'unit', salt: '', fraction: 0.2 };
const byRow = (row: number): boolean => (row + Math.floor(row / 30)) % 5 === 0;
const byUnit = (row: number): boolean => units[row] < 6;

const warnings = (
  spec: Record<string, unknown>,
  { holdout = HASH, held = byRow, columns = cells }: Partial<Asked> = {},
): string[] => {
  const parsed = ModelSpec.parse(spec);
  const problem = pose(tableOf(columns, held), request(parsed, { holdout }), parsed);
  return heldOutWarnings(problem, holdout, parsed);
};
interface Asked {
  readonly holdout: HoldoutRule;
  readonly held: (row: number) => boolean;
  readonly columns: typeof cells;
}

const window = { length: 3, order: 'cycle', group: 'unit' };

it.each([
  ['a search by groups', { family: 'auto', split: 'group', groupColumn: 'unit' }],
  ['a search that names groups', { family: 'auto', groupColumn: 'unit' }],
  ['windows within groups', { family: 'rnn', window }],
])('%s on rows that are held out one by one is told how many share a group', (_, spec) => {
  const held = units.filter((_unit, row) => byRow(row)).length;
  expect(warnings(spec)).toEqual([
    expect.stringContaining(
      `${held} of ${held} held-out rows share their "unit" with rows that were learned`,
    ),
  ]);
  expect(warnings(spec, { holdout: UNIT, held: byUnit })).toEqual([]);
});

it('windows over one sequence are told that held-out rows lie within it', () => {
  const spec = { family: 'rnn', window: { length: 3, order: 'cycle' } };
  expect(warnings(spec)).toEqual([expect.stringContaining('in the sequence by "cycle"')]);
});

it('a time column that drives the target is named, unless it is said to be none', () => {
  const told = [expect.stringContaining('neighbours by "at" have like targets')];
  expect(warnings({ family: 'trees' }, { columns: wave })).toEqual(told);
  expect(warnings({ family: 'auto' }, { columns: wave })).toEqual(told);
  expect(warnings({ family: 'auto', timeColumn: null }, { columns: wave })).toEqual([]);
  const latest: HoldoutRule = { kind: 'time', column: 'at', fromMicros: 480 * HOUR, toMicros: ROWS * HOUR };
  expect(
    warnings({ family: 'trees' }, { columns: wave, holdout: latest, held: (row) => hours[row] >= 480 }),
  ).toEqual([]);
});

it('there is nothing to say of rows that have nothing to do with each other, or of none', () => {
  expect(warnings({ family: 'trees' })).toEqual([]);
  expect(warnings({ family: 'rnn', window }, { held: () => false })).toEqual([]);
});
