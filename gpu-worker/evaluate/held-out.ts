/** Held-out rows that hang together with learned ones flatter a model: what to say of them. */
import type { HoldoutRule, ModelSpec } from '../../contracts';
import type { Problem } from '../purpose/purpose';
import { columnNamed } from '../prepare/target';
import { drivingColumn } from '../prepare/time-driven';
import { groupsOf } from '../prepare/whole-groups';

/** Of more training rows every k-th says whether time drives the target. */
const MOST_COMPARED = 50_000;

type Judging = Pick<Problem, 'table' | 'columns' | 'target' | 'split'>;

/** Of rows that were held out one by one or by group; the latest rows are what a model by time is for. */
export const heldOutWarnings = (problem: Judging, holdout: HoldoutRule, spec: ModelSpec): string[] => {
  if (holdout.kind === 'time' || problem.split.test.length === 0) return [];
  const mixed = holdout.kind === 'hash' ? [unbrokenSequence(spec), mixedInTime(problem, spec)] : [];
  return [sharedGroups(problem, spec), ...mixed].filter((warning) => warning !== null);
};

/** The training names groups, by the split of its search or by its windows. */
const sharedGroups = ({ table, split }: Judging, spec: ModelSpec): string | null => {
  const name = spec.family === 'auto' ? spec.groupColumn : windowOf(spec)?.group;
  if (name === undefined) return null;
  const groups = groupsOf(columnNamed(table, name));
  const known = new Set(
    [split.training, split.validation].flatMap((rows) => Array.from(rows, (row) => groups[row])),
  );
  const shared = split.test.filter((row) => groups[row] >= 0 && known.has(groups[row])).length;
  if (shared === 0) return null;
  return (
    `${shared} of ${split.test.length} held-out rows share their ${JSON.stringify(name)} with rows that were learned from, so ` +
    `figures and intervals are too good for new ones; hold whole groups out: holdoutGroup ${JSON.stringify(name)} of a new dataset`
  );
};

/** Windows over one sequence: each held-out row has learned ones right before and behind it. */
const unbrokenSequence = (spec: ModelSpec): string | null => {
  const window = windowOf(spec);
  return window === undefined || window.group !== undefined
    ? null
    : `held-out rows ${AMONG} in the sequence by ${JSON.stringify(window.order)}, ${FLATTERED}`;
};

const mixedInTime = ({ table, columns, target, split }: Judging, spec: ModelSpec): string | null => {
  if (target.task !== 'regression' && target.task !== 'classification') return null;
  const named = spec.family === 'auto' ? spec.timeColumn : undefined;
  if (named === null) return null;
  const offered = named === undefined ? columns.map((column) => column.spec.name) : [named];
  const every = Math.ceil(split.training.length / MOST_COMPARED);
  const some = split.training.filter((_, at) => at % every === 0);
  const driving = drivingColumn(table, offered, target, some);
  return driving === null
    ? null
    : `held-out rows ${AMONG} in time, and neighbours by ${JSON.stringify(driving)} have like targets, ${FLATTERED}`;
};

const AMONG = 'lie among those that were learned from';
const FLATTERED =
  'so figures and intervals are too good for rows to come; hold the latest rows out: a new dataset of a file in the order of its time column';

const windowOf = (spec: ModelSpec): { readonly order: string; readonly group?: string } | undefined =>
  'window' in spec ? spec.window : undefined;
