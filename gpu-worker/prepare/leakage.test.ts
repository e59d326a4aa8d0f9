import fc from 'fast-check';
import { tableOf } from '../testing/table';
import type { Cells } from '../testing/table';
import { featureColumns } from '../train/assemble';
import { piecewise, RAW, STANDARD } from './encoding';
import type { Encoding } from './encoding';
import { fitPreparation } from './preparation';
import { columnNamed, fitTarget } from './target';

const TRAINING = 450;
const OTHERS = 60;
const DAY = 86_400_000_000;
const range = (length: number, from = 0): Int32Array => Int32Array.from({ length }, (_, i) => from + i);
const wave = (i: number, by: number): number => Math.sin(i * by) * 100;

const training: Record<'n' | 'm' | 'c' | 't' | 'x' | 'y', (i: number) => unknown> = {
  n: (i) => (i % 11 === 0 ? null : wave(i, 1.3)),
  m: (i) => wave(i, 0.7) + 150,
  c: (i) => (i % 13 === 0 ? null : `c${i % 9}`),
  t: (i) => i * 3 * DAY,
  x: (i) => `word${i % 7} and word${i % 5}`,
  y: (i) => (wave(i, 1.3) / (wave(i, 0.7) + 150)) * 10 + (i % 9),
};

/** The fixed training rows with any `others` behind them. */
const tableWith = (others: readonly (readonly [number | null, number, string, number, string, number])[]) => {
  const cells = <T>(name: keyof typeof training, at: number): T[] => [
    ...Array.from(range(TRAINING), (i) => training[name](i) as T),
    ...others.map((row) => row[at] as T),
  ];
  const columns: Record<string, Cells> = {
    n: cells<number | null>('n', 0),
    m: cells<number>('m', 1),
    c: cells<string | null>('c', 2),
    t: { micros: cells<number>('t', 3) },
    x: { texts: cells<string>('x', 4) },
    y: cells<number>('y', 5),
  };
  return tableOf(columns);
};

const ENCODINGS: Encoding[] = [
  STANDARD,
  RAW,
  piecewise(8),
  {
    ...STANDARD,
    numbers: 'quantile',
    bins: 10,
    winsorise: 0.01,
    missing: 'mode',
    targetAbove: 4,
    interactions: 4,
  },
];

it.each(ENCODINGS.map((encoding) => [encoding.numbers, encoding] as const))(
  'a preparation (%s) hangs on the training rows only: any other rows change nothing',
  (_, encoding) => {
    const fitOf = (table: ReturnType<typeof tableWith>) => {
      const rows = range(TRAINING);
      const target = fitTarget(columnNamed(table, 'y'), 'regression', {
        training: rows,
        validation: range(OTHERS, TRAINING),
      });
      return fitPreparation(featureColumns(table, { target: 'y', exclude: [] }), rows, encoding, target);
    };
    const number = fc.double({ noNaN: true, noDefaultInfinity: true });
    const row = fc.tuple(
      fc.option(number),
      number,
      fc.string(),
      fc.integer({ min: -(10 ** 15), max: 10 ** 15 }),
      fc.string(),
      number,
    );
    const alone = fitOf(
      tableWith(Array.from({ length: OTHERS }, () => [0, 0, 'c1', 0, 'word1', 0] as const)),
    );
    fc.assert(
      fc.property(fc.array(row, { minLength: OTHERS, maxLength: OTHERS }), (others) => {
        expect(fitOf(tableWith(others))).toEqual(alone);
      }),
      { numRuns: 15 },
    );
  },
);
