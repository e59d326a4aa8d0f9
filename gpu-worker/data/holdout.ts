import type { ColumnSpec, HoldoutRule } from '../../contracts';
import type { Duck } from './duck';
import { literal } from './duck';

/** Share of neighbouring rows that must be in order for a time column to order the data. */
const ORDERED = 0.995;
const ENOUGH_TIMES = 30;

/** The key of a row is all its feature cells, so that equal inputs always fall on the same side. */
const keyOf = (specs: readonly ColumnSpec[], target: string): string =>
  specs
    .map((spec, at) => ({ spec, at }))
    .filter(({ spec }) => spec.name !== target)
    .sort((a, b) => (a.spec.name < b.spec.name ? -1 : 1))
    .map(({ at }) => `coalesce(c${at}::varchar, '')`)
    .join(' || chr(31) || ');

/** SQL that is true for held-out rows of a table with columns `c0`, `c1`, … */
export const isHeldOut = (rule: HoldoutRule, specs: readonly ColumnSpec[], target: string): string => {
  if (rule.kind === 'time') {
    const at = specs.findIndex((spec) => spec.name === rule.column);
    return `coalesce(c${at} between ${rule.fromMicros} and ${rule.toMicros}, false)`;
  }
  // The upper 64 bits of MD5, uniform over [0, 2^64): no secret, only a stable even spread.
  return `md5_number_upper(${literal(rule.salt)} || chr(31) || ${keyOf(specs, target)})::double / 18446744073709551616.0 < ${rule.fraction}`;
};

/**
 * Splits by time where a complete time column orders the file: the last `fraction` of the rows form the window. Otherwise
 * by hash of the row key.
 */
export const chooseHoldout = async (
  duck: Duck,
  specs: readonly ColumnSpec[],
  target: string,
  fraction: number,
  salt: string,
): Promise<HoldoutRule> => {
  for (const [at, spec] of specs.entries()) {
    if (spec.type !== 'time' || spec.name === target || fraction === 0) continue;
    const { missing, distinct, ordered } = await duck.one<{
      missing: number;
      distinct: number;
      ordered: number;
    }>(
      `select count(*) filter (t is null) as missing, count(distinct t) as distinct,
         coalesce(avg((t >= before)::int) filter (before is not null), 0) as ordered
       from (select c${at} as t, lag(c${at}) over (order by row) as before from typed)`,
    );
    if (missing > 0 || distinct < ENOUGH_TIMES || ordered < ORDERED) continue;
    const { cut, last } = await duck.one<{ cut: number; last: number }>(
      `select quantile_disc(c${at}, ${1 - fraction}) as cut, max(c${at}) as last from typed`,
    );
    if (cut > 0 || cut < 0) return { kind: 'time', column: spec.name, fromMicros: cut, toMicros: last };
  }
  return { kind: 'hash', salt, fraction };
};
