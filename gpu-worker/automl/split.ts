/** How the rows of a search judge each other: chosen from the data, or as asked for where that is sound. */
import { Failure, oneOf } from '../../contracts';
import type { AutoSpec, SplitKind } from '../../contracts';
import type { TrainingData } from '../family/data';
import { planFolds } from '../prepare/folds';
import type { Fold, FoldRule } from '../prepare/folds';
import { columnNamed } from '../prepare/target';
import type { SupervisedTarget } from '../prepare/target';
import { drivingColumn } from '../prepare/time-driven';
import { groupsOf } from '../prepare/whole-groups';

type SearchData = Pick<
  TrainingData<SupervisedTarget>,
  'table' | 'columns' | 'target' | 'holdout' | 'training'
>;

/** Below this every row that teaches counts: twice the folds, each with half the rows to judge. */
export const FEW_ROWS = 1500;

/**
 * The folds of a search over `data.training`; by groups, too, where nothing else is asked for and the held-out rows are whole
 * groups. Throws BAD_SPEC for a shuffled split where a time column drives the target, and for columns that are not there.
 */
export const searchFolds = (
  data: SearchData,
  spec: AutoSpec,
  seed: number,
): { readonly split: SplitKind; readonly folds: Fold[] } => {
  const rule = foldRule(data, spec);
  const more = data.training.length < FEW_ROWS && (rule.kind === 'random' || rule.kind === 'stratified');
  const folds = more ? 2 * spec.folds : spec.folds;
  return { split: rule.kind, folds: planFolds(rule, data.training, { folds, seed }) };
};

const foldRule = (data: SearchData, spec: AutoSpec): FoldRule => {
  const { table, target, training } = data;
  const group = spec.groupColumn ?? (data.holdout.kind === 'group' ? data.holdout.column : undefined);
  if (spec.split === 'group' || (spec.split === 'auto' && group !== undefined))
    return byGroup(data, group, spec.groupColumn === undefined ? 2 : spec.folds);
  const driving = drivenBy(data, spec);
  switch (spec.split) {
    case 'time':
      return byTime(data, driving ?? spec.timeColumn ?? firstTimeColumn(data));
    case 'random':
    case 'stratified':
      if (driving !== null)
        throw bad(
          `column ${driving} orders the rows and its order drives the target: shuffled rows would be judged by their neighbours in time`,
          'split: time, or timeColumn: null where the column only describes the rows',
        );
      if (spec.split === 'random') return { kind: 'random' };
      if (target.task === 'classification') return { kind: 'stratified', codes: target.codes };
      throw bad('a regression has no classes to spread evenly', 'one of: auto, random, time, group');
    case 'auto':
      if (driving !== null) return byTime({ table, training }, driving);
      return target.task === 'classification'
        ? { kind: 'stratified', codes: target.codes }
        : { kind: 'random' };
  }
};

/** A dataset whose held-out rows are the latest is ordered by time; else the targets of neighbours tell. */
const drivenBy = (data: SearchData, { timeColumn }: AutoSpec): string | null => {
  if (timeColumn === null) return null;
  if (data.holdout.kind === 'time') return data.holdout.column;
  const offered = timeColumn === undefined ? data.columns.map(({ spec }) => spec.name) : [timeColumn];
  return drivingColumn(data.table, offered, data.target, data.training);
};

const byTime = ({ table }: Pick<SearchData, 'table' | 'training'>, name: string): FoldRule => {
  const column = columnNamed(table, name);
  if (column.kind === 'time') return { kind: 'time', values: column.values };
  throw bad(
    `column ${name} holds no times`,
    `a time column; one of: ${timeColumns(table).join(', ') || 'none here'}`,
  );
};

const firstTimeColumn = ({ table }: SearchData): string => {
  const [first] = timeColumns(table);
  if (first !== undefined) return first;
  throw bad('no column holds times', 'one of: auto, random, stratified, group');
};

const timeColumns = (table: SearchData['table']): string[] =>
  table.columns.filter(({ kind }) => kind === 'time').map(({ spec }) => spec.name);

const byGroup = (
  { table, training }: SearchData,
  groupColumn: string | undefined,
  fewest: number,
): FoldRule => {
  const names = table.columns.map(({ spec }) => spec.name);
  if (groupColumn === undefined) throw bad('groups need a column', `groupColumn: one of ${names.join(', ')}`);
  const column = table.columns.find(({ spec }) => spec.name === groupColumn);
  if (column === undefined)
    throw new Failure('BAD_SPEC', oneOf('column', groupColumn, names), { path: ['spec', 'groupColumn'] });
  const codes = groupsOf(column);
  const groups = new Set(Array.from(training, (row) => codes[row])).size;
  if (groups >= fewest) return { kind: 'group', codes };
  throw new Failure('BAD_SPEC', `column ${groupColumn} has ${groups} groups for ${fewest} folds`, {
    path: ['spec', 'groupColumn'],
    hint: groups < 2 ? 'another column, or another split' : `folds: at most ${groups}`,
  });
};

const bad = (message: string, hint: string): Failure =>
  new Failure('BAD_SPEC', message, { path: ['spec', 'split'], hint });
