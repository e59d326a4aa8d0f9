import type { ColumnProfile, ColumnSpec } from '../../contracts';
import type { Duck } from './duck';
import type { Aim } from './target';

const QUANTILES = [0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1];
const BINS = 20;
const FREQUENT = 10;
/** Cells longer than this are cut in the list of frequent values. */
const SHOWN_CHARACTERS = 100;

const finite = (value: number | null | undefined): number | null =>
  value == null || !Number.isFinite(value) ? null : value;

const numeric = async (duck: Duck, at: number, sample: string): Promise<Partial<ColumnProfile>> => {
  const c = `c${at}`;
  const row = await duck.one<Record<string, number | null>>(
    `select min(${c})::double as min, max(${c})::double as max, avg(${c})::double as mean, stddev_samp(${c}::double) as sd
       from typed`,
  );
  // One list of values for all quantiles: an aggregate of its own for each would hold the column nine times.
  const q = await duck.one<Record<string, number | null>>(
    `select ${QUANTILES.map((_, i) => `q[${i + 1}] as q${i}`).join(', ')}
       from (select quantile_cont(${c}::double, [${QUANTILES.join(', ')}]) as q from ${sample})`,
  );
  const [min, max] = [finite(row.min), finite(row.max)];
  const quantiles = QUANTILES.map((_, i) => finite(q[`q${i}`])).filter((value) => value !== null);
  let histogram: number[] | undefined;
  if (min !== null && max !== null && max > min) {
    histogram = new Array<number>(BINS).fill(0);
    const bins = await duck.rows<{ bin: number; count: number }>(
      `select least(${BINS - 1}, floor((${c}::double - ${min}) / (${max}::double - ${min}) * ${BINS}))::int as bin, count(*) as count
         from typed where ${c} is not null group by 1`,
    );
    for (const { bin, count } of bins) histogram[bin] = count;
  }
  return { min, max, mean: finite(row.mean), standardDeviation: finite(row.sd), quantiles, histogram };
};

/** Correlation ratio: the share of the variance of `value` between the groups, as a square root (Fisher 1925). */
const correlationRatio = (from: string, value: string, group: string): string =>
  `with p as (select ${value}::double as v, ${group} as g from ${from} where ${value} is not null and ${group} is not null),
     t as (select avg(v) as t, var_pop(v) * count(*) as s from p),
     g as (select count(*) as n, avg(v) as m from p group by g)
   select sqrt(sum(n * (m - t) * (m - t)) / nullif(max(s), 0)) as strength from g, t`;

/** Cramér's V of the contingency table of `a` and `b` (Cramér 1946). */
const cramersV = (from: string, a: string, b: string): string =>
  `with p as (select ${a} as a, ${b} as b, count(*)::double as n from ${from} where ${a} is not null and ${b} is not null group by 1, 2),
     r as (select a, sum(n) as n from p group by 1), c as (select b, sum(n) as n from p group by 1),
     t as (select sum(n) as n, least((select count(*) from r), (select count(*) from c)) - 1 as k from p),
     x as (select sum(p.n * p.n / (r.n * c.n)) - 1 as phi from p join r using (a) join c using (b))
   select sqrt(greatest(phi, 0) / nullif(k, 0)) as strength from x, t`;

/** Strength of the relation with the target, 0 to 1. */
const association = async (
  duck: Duck,
  from: string,
  column: { at: number; spec: ColumnSpec },
  target: Aim,
): Promise<number | null> => {
  const [c, t] = [`c${column.at}`, `c${target.at}`];
  const isNumber = column.spec.type === 'number' || column.spec.type === 'time';
  const sql =
    target.task === 'regression'
      ? isNumber
        ? `select abs(corr(${c}::double, ${t})) as strength from ${from}`
        : correlationRatio(from, t, c)
      : isNumber
        ? correlationRatio(from, c, t)
        : cramersV(from, c, t);
  const { strength } = await duck.one<{ strength: number | null }>(sql);
  const found = finite(strength);
  return found === null ? null : Math.min(1, found);
};

/** Beyond this many rows, quantiles and associations come from every k-th row. */
const EXACT_ROWS = 1_000_000;

/** The profiles of table `typed`; `profiled` is told how many are done. */
export const profileColumns = async (
  duck: Duck,
  specs: readonly ColumnSpec[],
  aim: Aim | null,
  profiled: (columns: number) => void = () => undefined,
): Promise<ColumnProfile[]> => {
  const { rows } = await duck.one<{ rows: number }>('select count(*) as rows from typed');
  const profiles: ColumnProfile[] = [];
  for (const [at, spec] of specs.entries()) {
    profiles.push(await profileColumn(duck, { at, spec, rows }, aim));
    profiled(profiles.length);
  }
  return profiles;
};

const profileColumn = async (
  duck: Duck,
  { at, spec, rows }: { readonly at: number; readonly spec: ColumnSpec; readonly rows: number },
  aim: Aim | null,
): Promise<ColumnProfile> => {
  const c = `c${at}`;
  // Distinct by grouping, which can spill to disk; count(distinct) cannot. The text of a value for the few that are shown only.
  const groups = await duck.rows<{ value: string; count: number; present: number; distinct: number }>(
    `with g as materialized (select ${c} as c, count(*) as n from typed where ${c} is not null group by 1)
     select substr(c::varchar, 1, ${SHOWN_CHARACTERS}) as value, n as count,
         (select sum(n) from g) as present, (select count(*) from g) as distinct
       from (select * from g order by n desc, c limit ${FREQUENT}) order by count desc, value`,
  );
  const { present, distinct } = groups[0] ?? { present: 0, distinct: 0 };
  const every = Math.ceil(rows / EXACT_ROWS);
  const sample = every <= 1 ? 'typed' : `(select * from typed where row % ${every} = 0)`;
  const isNumber = spec.type === 'number' || spec.type === 'time';
  // A text that is different in nearly every row says nothing by its groups.
  const tooFine = !isNumber && distinct > 0.5 * present;
  return {
    name: spec.name,
    type: spec.type,
    rows,
    missing: rows - present,
    distinct,
    ...(isNumber ? await numeric(duck, at, sample) : {}),
    ...(spec.type !== 'image' && { frequent: groups.map(({ value, count }) => ({ value, count })) }),
    targetAssociation:
      aim === null || at === aim.at || tooFine || spec.type === 'image'
        ? null
        : await association(duck, sample, { at, spec }, aim),
  };
};
