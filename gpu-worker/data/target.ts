import { Failure, WITHOUT_TARGET } from '../../contracts';
import type { ColumnSpec, LearningTask } from '../../contracts';
import { guessTask, LIMITS, oneOfNames } from '../../tabular';
import type { Duck } from './duck';

/** Fewer rows than this cannot be split into training, validation and held-out rows. */
const FEWEST_ROWS = 20;

/** The column that models of this data are judged by, and whether it is a number or a class. */
export interface Aim {
  readonly at: number;
  readonly task: 'regression' | 'classification';
}

/** A forecast is of numbers. */
export const aimOf = (task: LearningTask): Aim['task'] =>
  task === 'classification' ? 'classification' : 'regression';

/** Position of the target; fails with TARGET_MISSING and the names that there are. */
export const findTarget = (names: readonly string[], target: string): number => {
  const at = names.indexOf(target);
  if (at >= 0) return at;
  throw new Failure('TARGET_MISSING', `there is no column ${JSON.stringify(target)}`, {
    path: [target],
    hint: `the columns are: ${oneOfNames(names)}`,
  });
};

/**
 * What is asked of the data. `spec`: of the target column, null where it is as found; `aim`: null for a task that learns
 * without known answers.
 */
export const readTarget = async (
  duck: Duck,
  at: number | null,
  columns: readonly { readonly spec: ColumnSpec }[],
  asked: { readonly task: LearningTask | null },
): Promise<{ task: LearningTask; spec: ColumnSpec | null; aim: Aim | null }> => {
  if (asked.task !== null && WITHOUT_TARGET.includes(asked.task)) {
    return { task: asked.task, spec: null, aim: null };
  }
  if (at === null) throw new Failure('TARGET_MISSING', `a ${asked.task ?? 'model'} needs a target`);
  const { task, spec } = await targetSpec(duck, at, columns[at].spec, asked.task);
  return { task, spec, aim: { at, task: aimOf(task) } };
};

/** Decides the task where none was asked for, and gives the target the type that the task needs. */
const targetSpec = async (
  duck: Duck,
  at: number,
  spec: ColumnSpec,
  asked: LearningTask | null,
): Promise<{ task: LearningTask; spec: ColumnSpec }> => {
  const cell = `c${at}`;
  const { present, distinct } = await duck.one<{ present: number; distinct: number }>(
    `select count(*) filter (trim(${cell}) <> '') as present, count(distinct trim(${cell})) filter (trim(${cell}) <> '') as distinct from raw`,
  );
  const named = JSON.stringify(spec.name);
  if (present === 0)
    throw new Failure('TARGET_EMPTY', `the target ${named} has no value in any row`, { path: [spec.name] });
  let task = asked;
  if (task === null) {
    const { whole } = await duck.one<{ whole: boolean }>(
      `select coalesce(bool_and(try_cast(${cell} as double) = floor(try_cast(${cell} as double))), false) as whole from raw where trim(${cell}) <> ''`,
    );
    task = guessTask({ numeric: spec.type === 'number', whole, distinct });
  }
  if (task === 'regression' || task === 'forecast') {
    if (spec.type !== 'number') {
      throw new Failure(
        'TARGET_NOT_NUMERIC',
        `the target ${named} is not a number column, so it cannot be a ${task}`,
        {
          path: [spec.name],
          hint: 'choose the task classification, or another target',
        },
      );
    }
    return { task, spec };
  }
  if (distinct > LIMITS.classes) {
    throw new Failure(
      'TARGET_TOO_MANY_CLASSES',
      `the target ${named} has about ${distinct} distinct values; at most ${LIMITS.classes} classes are accepted`,
      {
        path: [spec.name],
        hint:
          spec.type === 'number'
            ? 'a number column with many values is a regression'
            : 'choose another target, or group its values',
      },
    );
  }
  return { task, spec: { v: 1, name: spec.name, type: 'category', missing: spec.missing } };
};

/** Checks the target of table `typed` after rows without one were dropped. */
export const checkTarget = async (duck: Duck, at: number, spec: ColumnSpec): Promise<void> => {
  const { rows, distinct } = await duck.one<{ rows: number; distinct: number }>(
    `select count(*) as rows, count(distinct c${at}) as distinct from typed`,
  );
  const named = JSON.stringify(spec.name);
  if (rows === 0)
    throw new Failure('TARGET_EMPTY', `the target ${named} has no readable value in any row`, {
      path: [spec.name],
    });
  if (distinct === 1) {
    throw new Failure('TARGET_CONSTANT', `the target ${named} has the same value in every row`, {
      path: [spec.name],
      hint: 'there is nothing to learn; choose another target',
    });
  }
  if (rows < FEWEST_ROWS) {
    throw new Failure('TOO_FEW_ROWS', `${rows} rows have a target; at least ${FEWEST_ROWS} are needed`);
  }
};

/** The same for data without a target. */
export const checkRows = async (duck: Duck): Promise<void> => {
  const { rows } = await duck.one<{ rows: number }>('select count(*) as rows from typed');
  if (rows < FEWEST_ROWS) {
    throw new Failure('TOO_FEW_ROWS', `there are ${rows} rows; at least ${FEWEST_ROWS} are needed`);
  }
};
