import { AutoSpec } from '../../contracts';
import { randomKey, randomNormal } from '../../onnx';
import { dataFile } from '../../test/support/data';
import { csvTable, tableOf } from '../testing/table';
import { searchFolds } from './split';
import { searchData } from './testing/search-data';

const ROWS = 400;
const HOUR = 3_600_000_000;
const noise = (stream: number): number[] =>
  Array.from({ length: ROWS }, (_, i) => randomNormal(randomKey(9, stream), i));

/** A wave in time with noise; rows in no order. */
const seriesTable = () => {
  const hours = Array.from({ length: ROWS }, (_, i) => (i * 7) % ROWS);
  const [error, a] = [noise(1), noise(2)];
  return tableOf({
    at: { micros: hours.map((hour) => hour * HOUR) },
    a,
    y: hours.map((hour, i) => Math.sin(hour / 20) + 0.3 * (error[i] ?? 0)),
    label: hours.map((hour, i) => (Math.sin(hour / 20) + 0.3 * (error[i] ?? 0) > 0 ? 'up' : 'down')),
    group: hours.map((_, i) => `g${i % 8}`),
  });
};

const unorderedTable = () => {
  const [error, a] = [noise(3), noise(4)];
  return tableOf({
    at: { micros: a.map((_, i) => i * HOUR) },
    a,
    y: a.map((value, i) => value + (error[i] ?? 0)),
    label: a.map((value) => (value > 0 ? 'up' : 'down')),
  });
};

const auto = (more: Record<string, unknown> = {}): AutoSpec => AutoSpec.parse({ family: 'auto', ...more });

describe('the split of a search', () => {
  it('is by time where the targets of neighbours in time are alike, for numbers and for classes', () => {
    const table = seriesTable();
    expect(searchFolds(searchData(table, 'y', 'regression'), auto(), 1).split).toBe('time');
    expect(searchFolds(searchData(table, 'label', 'classification'), auto(), 1).split).toBe('time');
  });

  it('is shuffled where time says nothing about the target', () => {
    const table = unorderedTable();
    expect(searchFolds(searchData(table, 'y', 'regression'), auto(), 1).split).toBe('random');
    expect(searchFolds(searchData(table, 'label', 'classification'), auto(), 1).split).toBe('stratified');
  });

  it('is by groups where the held-out rows are, with no more folds than groups', () => {
    const table = seriesTable();
    const holdout = { kind: 'group', column: 'group', salt: '', fraction: 0.2 } as const;
    const { split, folds } = searchFolds(
      searchData(table, 'y', 'regression', holdout),
      auto({ folds: 10 }),
      1,
    );
    expect(split).toBe('group');
    expect(folds).toHaveLength(8);
    for (const { training, validation } of folds) {
      const judged = new Set(Array.from(validation, (row) => row % 8));
      expect(Array.from(training).some((row) => judged.has(row % 8))).toBe(false);
    }
  });

  it.each(['random', 'stratified'])('%s is refused where time drives the target', (split) => {
    const data = searchData(seriesTable(), 'label', 'classification');
    expect(() => searchFolds(data, auto({ split }), 1)).toThrow(
      expect.objectContaining({
        code: 'BAD_SPEC',
        hint: expect.stringContaining('split: time') as string,
      }) as Error,
    );
    // Unless the column is said to describe the rows only.
    expect(searchFolds(data, auto({ split, timeColumn: null }), 1).split).toBe(split);
  });

  it('follows a holdout by time', () => {
    const holdout = { kind: 'time', column: 'at', fromMicros: 390 * HOUR, toMicros: 400 * HOUR } as const;
    const data = searchData(unorderedTable(), 'y', 'regression', holdout);
    expect(searchFolds(data, auto(), 1).split).toBe('time');
  });

  it('by group takes any column, and lists the columns when there is none', () => {
    const data = searchData(seriesTable(), 'y', 'regression');
    expect(searchFolds(data, auto({ groupColumn: 'group' }), 1).split).toBe('group');
    for (const wrong of [{ split: 'group' }, { split: 'group', groupColumn: 'grop' }])
      expect(() => searchFolds(data, auto(wrong), 1)).toThrow(
        expect.objectContaining({ code: 'BAD_SPEC' }) as Error,
      );
    expect(() => searchFolds(data, auto({ groupColumn: 'group', folds: 9 }), 1)).toThrow(
      /8 groups for 9 folds/,
    );
  });

  it('finds time in the traffic of a road, and none in what taxis charge', () => {
    const taxis = dataFile('nyc_taxis_sample.csv');
    const metro = dataFile('metro_interstate_traffic.csv');
    if (taxis === undefined || metro === undefined)
      return void process.stderr.write('skipped: ../shared/data is not here\n');
    const splitOf = (path: string, target: string, time: string): string => {
      const table = csvTable(path);
      const timed = {
        ...table,
        columns: table.columns.map((column) =>
          column.spec.name === time && 'dictionary' in column
            ? {
                spec: { ...column.spec, type: 'time' as const },
                kind: 'time' as const,
                values: Float64Array.from(
                  column.codes,
                  (code) => Date.parse(`${column.dictionary[code]?.replace(' ', 'T') ?? ''}Z`) * 1000,
                ),
              }
            : column,
        ),
      };
      return searchFolds(searchData(timed, target, 'regression'), auto(), 1).split;
    };
    expect(splitOf(taxis, 'fare', 'pickup')).toBe('random');
    expect(splitOf(metro, 'traffic_volume', 'date_time')).toBe('time');
  });
});
