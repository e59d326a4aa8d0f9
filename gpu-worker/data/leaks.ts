import type { ColumnProfile, ColumnSpec } from '../../contracts';
import type { Duck } from './duck';
import type { Aim } from './target';

export interface Leak {
  readonly column: string;
  readonly why: string;
}

/** One column alone nearly is the target. */
const SAME = 0.999;
/** The columns together give the target back as a plain sum: this share of its variance, with weights of one. */
const EXPLAINED = 0.99;
const WEIGHT_OFF_ONE = 0.05;
/** Leaving the column out costs at least this share: it is a part of the sum. */
const PART = 0.002;
const SAMPLE = 20_000;
const MOST_COLUMNS = 100;
/** A value that always goes with one rare class. */
const ALWAYS = 0.99;
const RARE_CLASS = 0.2;

/** Solves the symmetric positive definite system `a x = b` by Gauss elimination with a small ridge; n x n, row-major. */
const solve = (a: number[][], b: number[]): number[] => {
  const n = b.length;
  const m = a.map((row, i) => [...row.map((value, j) => value + (i === j ? 1e-9 : 0)), b[i]]);
  for (let i = 0; i < n; i++) {
    let pivot = i;
    for (let r = i + 1; r < n; r++) if (Math.abs(m[r][i]) > Math.abs(m[pivot][i])) pivot = r;
    [m[i], m[pivot]] = [m[pivot], m[i]];
    const row = m[i];
    for (let r = i + 1; r < n; r++) {
      const other = m[r];
      const factor = other[i] / row[i];
      for (let k = i; k <= n; k++) other[k] = other[k] - factor * row[k];
    }
  }
  const x = new Array<number>(n).fill(0);
  for (let i = n - 1; i >= 0; i--) {
    const row = m[i];
    let value = row[n];
    for (let k = i + 1; k < n; k++) value -= row[k] * x[k];
    x[i] = value / row[i];
  }
  return x;
};

/** Least squares on standardised columns, from their correlations: weights, and the explained share of the variance. */
const fit = (
  correlations: number[][],
  withTarget: number[],
  columns: readonly number[],
): { weights: number[]; explained: number } => {
  const weights = solve(
    columns.map((i) => columns.map((j) => correlations[i][j])),
    columns.map((i) => withTarget[i]),
  );
  return { weights, explained: columns.reduce((sum, i, k) => sum + weights[k] * withTarget[i], 0) };
};

/** Of the columns `among`, numbers that together are the target: parts of a sum, or a total that contains it. */
const sums = async (
  duck: Duck,
  specs: readonly ColumnSpec[],
  among: readonly number[],
  target: number,
): Promise<Leak[]> => {
  const numbers = among.filter((at) => specs[at].type === 'number').slice(0, MOST_COLUMNS);
  if (numbers.length === 0) return [];
  const read = [...numbers, target];
  const rows = await duck.rows<Record<string, number | null>>(
    `select ${read.map((at) => `c${at}`).join(', ')} from typed where ${read.map((at) => `c${at} is not null`).join(' and ')}
      using sample reservoir(${SAMPLE} rows) repeatable (7)`,
  );
  if (rows.length < 10 * read.length) return [];
  const values = read.map((at) => rows.map((row) => row[`c${at}`] as number));
  const moments = values.map((column) => {
    const mean = column.reduce((sum, value) => sum + value, 0) / column.length;
    const deviation = Math.sqrt(column.reduce((sum, value) => sum + (value - mean) ** 2, 0) / column.length);
    return { deviation, standard: column.map((value) => (value - mean) / deviation) };
  });
  const y = moments[moments.length - 1];
  const usable = numbers.map((at, i) => ({ at, x: moments[i] })).filter((column) => column.x.deviation > 0);
  if (y.deviation === 0 || usable.length === 0) return [];
  const dot = (a: number[], b: number[]): number =>
    a.reduce((sum, value, i) => sum + value * b[i], 0) / a.length;
  const correlations = usable.map((a) => usable.map((b) => dot(a.x.standard, b.x.standard)));
  const withTarget = usable.map((a) => dot(a.x.standard, y.standard));
  const every = usable.map((_, i) => i);
  const all = fit(correlations, withTarget, every);
  if (all.explained < EXPLAINED) return [];
  const parts = every.flatMap((i) => {
    const without = fit(
      correlations,
      withTarget,
      every.filter((j) => j !== i),
    );
    const weight = (all.weights[i] * y.deviation) / usable[i].x.deviation;
    return all.explained - without.explained >= PART && Math.abs(Math.abs(weight) - 1) <= WEIGHT_OFF_ONE
      ? [{ column: specs[usable[i].at].name, added: weight > 0 }]
      : [];
  });
  // target = total - other parts: the total contains the target; the other parts do not once the total is gone.
  const added = parts.filter((part) => part.added);
  return (added.length > 0 ? added : parts).map(({ column }) => ({
    column,
    why: 'together with other columns it adds up to the target',
  }));
};

/** Values that occur only with one rare class: a cause that was written down after the outcome. */
const certain = async (
  duck: Duck,
  specs: readonly ColumnSpec[],
  profile: readonly ColumnProfile[],
  target: number,
): Promise<Leak[]> => {
  const leaks: Leak[] = [];
  const { rows } = await duck.one<{ rows: number }>('select count(*) as rows from typed');
  for (const [at, spec] of specs.entries()) {
    const distinct = profile[at]?.distinct ?? 0;
    if (at === target || distinct < 2 || distinct > 10) continue;
    const { found } = await duck.one<{ found: number }>(
      `select count(*) as found from (
         select value, arg_max(class, k) as class from (
           select c${at} as value, c${target} as class, count(*) as k from typed where c${at} is not null group by 1, 2
         ) group by 1
         having sum(k) >= greatest(10, ${rows} * 0.001) and max(k) >= ${ALWAYS} * sum(k)
       ) join (select c${target} as class, count(*)::double / ${rows} as share from typed group by 1) using (class)
       where share <= ${RARE_CLASS}`,
    );
    if (found > 0)
      leaks.push({
        column: spec.name,
        why: 'one of its values occurs only with one rare class of the target',
      });
  }
  return leaks;
};

/** Columns that give the answer away: known only when the outcome is. */
export const findLeaks = async (
  duck: Duck,
  specs: readonly ColumnSpec[],
  profile: readonly ColumnProfile[],
  target: Aim,
): Promise<Leak[]> => {
  const telling = [...profile.keys()].filter((at) => at !== target.at && profile[at].distinct > 1);
  const isTarget = (at: number): boolean => (profile[at].targetAssociation ?? 0) >= SAME;
  const alone = telling
    .filter(isTarget)
    .map((at) => ({ column: profile[at].name, why: 'it alone gives the target nearly exactly' }));
  // Beside a copy of the target no part of it would be missed.
  const others = telling.filter((at) => !isTarget(at));
  const more =
    target.task === 'regression'
      ? await sums(duck, specs, others, target.at)
      : await certain(duck, specs, profile, target.at);
  return [...alone, ...more.filter((leak) => !alone.some((known) => known.column === leak.column))];
};
