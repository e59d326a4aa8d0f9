/** A small table of all kinds of columns, and a series. */
import type { Table } from '../data/table';
import type { TrainRequest } from '../train/train-table';
import { tableOf } from './table';

/** Specs that fit them. */
export const WINDOW = { length: 4, order: 'at' };
export const FORECAST = { horizon: 4, lookback: 12 };

const ROWS = 160;
const HOUR = 3_600_000_000;
export const wave = (speed: number, rows = ROWS): number[] =>
  Array.from({ length: rows }, (_, row) => Math.sin(speed * row) + 0.3 * Math.sin(7.3 * speed * row + 1));

/** Numbers with gaps, categories, instants, texts: the target follows a number, a category and a word. */
export const mixed = (): Table => {
  const [a, b] = [wave(1.7), wave(0.9)];
  const kind = a.map((_, row) => ['x', 'y', 'z'][(row * 7) % 3] ?? '');
  const texts = a.map((_, row) => `${row % 2 === 0 ? 'good' : 'poor'} piece number ${row % 9}, as said`);
  const y = a.map((value, row) => 2 * value + (kind[row] === 'x' ? 2 : 0) + (row % 2) + 0.1 * (b[row] ?? 0));
  return tableOf(
    {
      a: a.map((value, row) => (row % 19 === 4 ? null : value)),
      b,
      kind,
      at: { micros: a.map((_, row) => row * HOUR) },
      text: { texts },
      y,
      label: y.map((value) => (value > 1.2 ? 'high' : value > 0.2 ? 'middle' : 'low')),
    },
    (row) => row % 5 === 0,
  );
};

const series = (): Table => {
  const y = wave(0.26).map((value, row) => 10 + 3 * value + row / 100);
  return tableOf({ at: { micros: y.map((_, row) => row * HOUR) }, y, z: wave(0.13) }, (row) => row >= 128);
};

/** The series, and a request for its last 32 steps. */
export const forecast = () =>
  ({
    table: series(),
    task: 'forecast',
    exclude: [],
    holdout: { kind: 'time', column: 'at', fromMicros: 128 * HOUR, toMicros: 160 * HOUR },
  }) satisfies Partial<TrainRequest> & { table: Table };
