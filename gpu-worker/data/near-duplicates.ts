import type { ColumnProfile, ColumnSpec } from '../../contracts';
import type { Duck } from './duck';

export interface NearDuplicate {
  readonly column: string;
  /** An earlier column that it repeats. */
  readonly of: string;
  readonly why: string;
}

/** Beyond this correlation a column is another one in other units. */
const SAME = 0.9999;
const SAMPLE = 20_000;
const FEWEST_ROWS = 20;
/** All pairs are compared: columns after these are not. */
const MOST_COLUMNS = 60;
const MOST_VALUES = 20_000;
/** Aggregates of one query. */
const AT_ONCE = 300;

/** Columns that say what an earlier one says: a number in other units, a category in other words. */
export const findNearDuplicates = async (
  duck: Duck,
  specs: readonly ColumnSpec[],
  profile: readonly ColumnProfile[],
  target: number,
): Promise<NearDuplicate[]> => {
  const found = new Map<number, NearDuplicate>();
  await duck.run(
    `create temp table sampled as select * from typed using sample reservoir(${SAMPLE} rows) repeatable (11)`,
  );
  try {
    const say = (of: number, at: number, why: string): void => {
      const [column, earlier] = [specs[at]?.name, specs[of]?.name];
      if (column !== undefined && earlier !== undefined && !found.has(at) && !found.has(of))
        found.set(at, { column, of: earlier, why });
    };
    for (const [a, b] of await sameNumbers(duck, candidates(specs, profile, target, true)))
      say(a, b, 'the same number in other units');
    for (const [a, b] of await sameCategories(duck, profile, candidates(specs, profile, target, false)))
      say(a, b, 'each of its values goes with one value of that column');
  } finally {
    await duck.run('drop table sampled');
  }
  return [...found.values()];
};

const candidates = (
  specs: readonly ColumnSpec[],
  profile: readonly ColumnProfile[],
  target: number,
  numbers: boolean,
): number[] =>
  specs
    .flatMap((spec, at) => {
      const distinct = profile[at]?.distinct ?? 0;
      const fits = numbers
        ? spec.type === 'number' && distinct > 2
        : spec.type !== 'text' && distinct >= 2 && distinct <= MOST_VALUES;
      return fits && at !== target ? [at] : [];
    })
    .slice(0, MOST_COLUMNS);

type Pair = readonly [number, number];

const pairsOf = (columns: readonly number[]): Pair[] =>
  columns.flatMap((a, i) => columns.slice(i + 1).map((b): Pair => [a, b]));

const sameNumbers = async (duck: Duck, columns: readonly number[]): Promise<Pair[]> => {
  const pairs = pairsOf(columns);
  const same: Pair[] = [];
  for (let first = 0; first < pairs.length; first += AT_ONCE) {
    const some = pairs.slice(first, first + AT_ONCE);
    const row = await duck.one<Record<string, number | null>>(
      `select ${some.map(([a, b], i) => `corr(c${a}::double, c${b}::double) as r${i}, regr_count(c${a}::double, c${b}::double) as n${i}`).join(', ')} from sampled`,
    );
    some.forEach((pair, i) => {
      if (Math.abs(row[`r${i}`] ?? 0) > SAME && (row[`n${i}`] ?? 0) >= FEWEST_ROWS) same.push(pair);
    });
  }
  return same;
};

/** Only columns with as many values as each other are worth counting their pairs of values. */
const sameCategories = async (
  duck: Duck,
  profile: readonly ColumnProfile[],
  columns: readonly number[],
): Promise<Pair[]> => {
  const same: Pair[] = [];
  for (const [a, b] of pairsOf(columns)) {
    const [first, second] = [profile[a], profile[b]];
    if (first === undefined || second === undefined || first.distinct !== second.distinct) continue;
    // Two numbers were compared as numbers.
    if (first.type === 'number' && second.type === 'number') continue;
    const { rows, pairs, firsts, seconds } = await duck.one<Record<string, number>>(
      `select coalesce(sum(n), 0) as rows, count(*) as pairs, count(distinct a) as firsts, count(distinct b) as seconds
         from (select c${a} as a, c${b} as b, count(*) as n from sampled where c${a} is not null and c${b} is not null group by 1, 2)`,
    );
    if (pairs === firsts && pairs === seconds && pairs > 1 && rows >= FEWEST_ROWS * pairs) same.push([a, b]);
  }
  return same;
};
