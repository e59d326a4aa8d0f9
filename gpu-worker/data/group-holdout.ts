/** Rows that belong together, held out together: a model is then judged on groups that it has never seen. */
import { Failure } from '../../contracts';
import type { ColumnSpec, HoldoutRule } from '../../contracts';
import { oneOfNames } from '../../tabular';
import type { Duck } from './duck';
import { fits, isHeldOut, MOST_HELD, MOST_SALTS, salted } from './holdout';

/** Fewer groups than this say nothing of the next one. */
const FEWEST_GROUPS = 5;
/** A smaller part of the wanted share judges nothing. */
const LEAST_OF_WANTED = 0.25;

/**
 * The rule that holds out whole groups of `column`, nearest to `fraction` of the rows. Throws UNKNOWN_COLUMN and
 * TOO_FEW_GROUPS with the columns that there are.
 */
export const chooseGroups = async (
  duck: Duck,
  specs: readonly ColumnSpec[],
  { column, target, fraction, salt }: Wanted,
): Promise<HoldoutRule> => {
  const offered = specs.filter(({ name, type }) => name !== target && type !== 'image');
  if (!offered.some(({ name }) => name === column))
    throw new Failure('UNKNOWN_COLUMN', `rows cannot be held out by ${JSON.stringify(column)}`, {
      path: [column],
      hint: `holdoutGroup is one of: ${oneOfNames(offered.map(({ name }) => name))}`,
    });
  const at = specs.findIndex(({ name }) => name === column);
  await duck.run(`create temp table sizes as select c${at}, count(*) as n from typed group by 1`);
  const { groups } = await duck.one<{ groups: number }>(`select count(c${at}) as groups from sizes`);
  if (groups < FEWEST_GROUPS)
    throw new Failure(
      'TOO_FEW_GROUPS',
      `the column ${JSON.stringify(column)} has ${groups} groups; at least ${FEWEST_GROUPS} are needed to hold some out`,
      { path: [column], hint: await withEnough(duck, specs, offered) },
    );
  const held = async (rule: HoldoutRule): Promise<number> => {
    const { share } = await duck.one<{ share: number }>(
      `select sum(n * (${isHeldOut(rule, specs, target)})::int) / sum(n) as share from sizes`,
    );
    return share;
  };
  // Groups are few and of any size: of several salts the one that comes nearest.
  let nearest: { rule: HoldoutRule; distance: number } | undefined;
  for (let attempt = 1; attempt <= MOST_SALTS; attempt++) {
    const rule = { kind: 'group', column, salt: salted(salt, attempt), fraction } as const;
    const share = await held(rule);
    if (fraction === 0 || fits(share, fraction)) return rule;
    const distance = Math.abs(share - fraction);
    const usable = share >= LEAST_OF_WANTED * fraction && share <= MOST_HELD;
    if (usable && distance < (nearest?.distance ?? Infinity)) nearest = { rule, distance };
  }
  if (nearest !== undefined) return nearest.rule;
  throw new Failure(
    'TOO_FEW_GROUPS',
    `the groups of ${JSON.stringify(column)} are of such different sizes that no choice of them is near ${fraction} of the rows`,
    { path: [column], hint: await withEnough(duck, specs, offered) },
  );
};

interface Wanted {
  readonly column: string;
  readonly target: string | null;
  readonly fraction: number;
  /** Goes into the hash of each group. */
  readonly salt: string;
}

/** What else there is to hold out by: columns with enough groups of more than one row. */
const withEnough = async (
  duck: Duck,
  specs: readonly ColumnSpec[],
  offered: readonly ColumnSpec[],
): Promise<string> => {
  const names: string[] = [];
  for (const [at, spec] of specs.entries()) {
    if (!offered.includes(spec)) continue;
    const { groups, rows } = await duck.one<{ groups: number; rows: number }>(
      `select approx_count_distinct(c${at}) as groups, count(c${at}) as rows from typed`,
    );
    if (groups >= FEWEST_GROUPS && groups * 2 <= rows) names.push(spec.name);
  }
  return names.length === 0
    ? 'no column groups the rows; leave holdoutGroup out'
    : `holdoutGroup is one of: ${oneOfNames(names)}; or leave it out`;
};
