import { Failure } from '../../contracts';
import type { ColumnSpec, HoldoutRule, LearningTask } from '../../contracts';
import type { Duck } from './duck';
import { literal } from './duck';

/** Share of neighbouring rows that must be in order for a time column to order the data. */
const ORDERED = 0.995;
const ENOUGH_TIMES = 30;
/** Of longer files every k-th row says whether time orders them. */
const ORDER_SAMPLE = 500_000;
/** Of longer files every k-th row says which share a rule holds out. */
const SHARE_SAMPLE = 20_000;
export const MOST_SALTS = 20;
/** A larger share of the rows leaves too little to learn from. */
export const MOST_HELD = 0.6;

/** The key of a row is all its feature cells, so that equal inputs always fall on the same side. */
const keyOf = (specs: readonly ColumnSpec[], target: string | null): string =>
  specs
    .map((spec, at) => ({ spec, at }))
    .filter(({ spec }) => spec.name !== target)
    .sort((a, b) => (a.spec.name < b.spec.name ? -1 : 1))
    .map(({ at }) => `coalesce(c${at}::varchar, '')`)
    .join(', ');

/** `1` and `1.0`, `Oak` and `oak` are one group, also where a later version has the column in another type. */
const groupKeyOf = (at: number): string =>
  `coalesce(try_cast(c${at}::varchar as double)::varchar, lower(c${at}::varchar))`;

/** The upper 64 bits of MD5, uniform over [0, 2^64): no secret, only a stable even spread. */
const drawn = (salt: string, key: string, fraction: number): string =>
  `md5_number_upper(concat_ws(chr(31), ${literal(salt)}, ${key}))::double / 18446744073709551616.0 < ${fraction}`;

/** SQL that is true for held-out rows of a table with columns `c0`, `c1`, … */
export const isHeldOut = (rule: HoldoutRule, specs: readonly ColumnSpec[], target: string | null): string => {
  switch (rule.kind) {
    case 'hash':
      return drawn(rule.salt, keyOf(specs, target), rule.fraction);
    case 'time':
      return `coalesce(c${splitting(rule, specs)} between ${rule.fromMicros} and ${rule.toMicros}, false)`;
    case 'group': {
      const at = splitting(rule, specs);
      return `c${at} is not null and ${drawn(rule.salt, groupKeyOf(at), rule.fraction)}`;
    }
  }
};

/** Position of the column that a rule goes by. */
const splitting = (
  { kind, column }: Extract<HoldoutRule, { column: string }>,
  specs: readonly ColumnSpec[],
): number => {
  const at = specs.findIndex((spec) => spec.name === column);
  if (at >= 0 && (kind === 'group' || specs[at].type === 'time')) return at;
  throw new Failure(
    'BAD_INPUT',
    `the ${kind} column ${JSON.stringify(column)} that splits this dataset is not there`,
    { path: [column], hint: 'upload a file with the columns of the first version' },
  );
};

/** Is this share of the rows near enough to the wanted one? */
export const fits = (held: number, fraction: number): boolean =>
  held >= fraction / 2 && held <= Math.min(MOST_HELD, fraction * 2);

/** The salt of each attempt, the first being 1. */
export const salted = (salt: string, attempt: number): string =>
  attempt === 1 ? salt : `${salt}#${attempt}`;

/**
 * Splits by time where a complete time column orders the file, or where the task is to forecast: the last `fraction` of the
 * rows form the window. Otherwise by hash of the row key.
 */
export const chooseHoldout = async (
  duck: Duck,
  specs: readonly ColumnSpec[],
  target: string | null,
  fraction: number,
  salt: string,
  task: LearningTask,
): Promise<HoldoutRule> => {
  const { rows } = await duck.one<{ rows: number }>('select count(*) as rows from typed');
  const every = Math.max(1, Math.ceil(rows / ORDER_SAMPLE));
  const shared = Math.max(1, Math.floor(rows / SHARE_SAMPLE));
  const share = async (rule: HoldoutRule): Promise<number> => {
    const { held } = await duck.one<{ held: number }>(
      `select avg((${isHeldOut(rule, specs, target)})::int) as held from typed where row % ${shared} = 0`,
    );
    return held;
  };
  for (const [at, spec] of specs.entries()) {
    if (spec.type !== 'time' || spec.name === target || fraction === 0) continue;
    const { missing, distinct, rising, falling } = await duck.one<Record<string, number>>(
      `select (select count(*) from typed where c${at} is null) as missing, approx_count_distinct(t) as distinct,
         coalesce(avg((t >= before)::int) filter (before is not null), 0) as rising,
         coalesce(avg((t <= before)::int) filter (before is not null), 0) as falling
       from (select c${at} as t, lag(c${at}) over (order by row) as before from typed where row % ${every} = 0)`,
    );
    // A forecast goes by time however its series lie in the file.
    const ordered = task === 'forecast' || Math.max(rising, falling) >= ORDERED;
    if (missing > 0 || distinct < ENOUGH_TIMES || !ordered) continue;
    const { from, to } = await duck.one<{ from: number; to: number }>(
      `select quantile_disc(c${at}, ${1 - fraction}) as "from", max(c${at}) as "to" from typed`,
    );
    const rule = { kind: 'time', column: spec.name, fromMicros: from, toMicros: to } as const;
    if (fits(await share(rule), fraction)) return rule;
  }
  // In a small file a hash may take none or nearly all: another salt then, found the same way every time.
  for (let attempt = 1; ; attempt++) {
    const rule = { kind: 'hash', salt: salted(salt, attempt), fraction } as const;
    if (fraction === 0 || attempt === MOST_SALTS || fits(await share(rule), fraction)) return rule;
  }
};
