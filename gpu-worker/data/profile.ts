import { open } from 'node:fs/promises';
import { HOLDOUT_COLUMN } from '../../contracts';
import type {
  ColumnSpec,
  DatasetWarning,
  HoldoutRule,
  LearningTask,
  ProfilePayload,
  ProfileResult,
} from '../../contracts';
import type { TaskIo } from '../task-io';
import { profileColumns } from './column-profile';
import { Duck, identifier, literal } from './duck';
import type { DuckOptions } from './duck';
import { chooseGroups } from './group-holdout';
import { chooseHoldout, isHeldOut } from './holdout';
import { countDistinct, inferFromRaw, withSpellings } from './infer';
import type { InferredColumn } from './infer';
import { loadRaw } from './raw-table';
import { writeSealed } from './seal';
import { checkRows, checkTarget, findTarget, readTarget } from './target';
import { makeTyped } from './typed-table';
import { findWarnings } from './warnings';

/** DuckDB's own limit; the process around it is limited by its parent. */
export const DUCK_MEMORY_MB = 384;
const WIDE_MEMORY_MB = 640;
const MANY_COLUMNS = 400;

const unreadable = (inferred: readonly InferredColumn[]): DatasetWarning[] =>
  inferred
    .filter((column) => column.unreadable > 0)
    .map((column) => ({
      code: 'MIXED_VALUES' as const,
      column: column.spec.name,
      message: `about ${column.unreadable} cells do not read as ${column.spec.type} and count as missing`,
    }));

/**
 * Rows in work take more in a file with hundreds of columns, sorting and grouping take more in a long one. Measured for the
 * whole process: 1 GB of CSV with 11 columns 883 MiB, 2,000 columns with few rows 424 MiB.
 */
export const duckLimits = (columns: number): { memoryMb: number; threads: number } =>
  columns > MANY_COLUMNS
    ? { memoryMb: WIDE_MEMORY_MB, threads: 1 }
    : { memoryMb: DUCK_MEMORY_MB, threads: 2 };

/** Tables of shorter files stay in memory, where nothing is compressed; what does not fit after all goes to temporary files. */
const IN_MEMORY_BYTES = 64 * 1024 * 1024;

/** What DuckDB may use for a file that nothing has read yet: about so many columns, and its size. */
const guessLimits = async (path: string): Promise<Omit<DuckOptions, 'folder'>> => {
  const file = await open(path, 'r');
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(256 * 1024), 0, 256 * 1024, 0);
    const [header] = buffer.subarray(0, bytesRead).toString('latin1').split('\n', 1);
    const columns = header.split(/[,;\t|]/).length;
    const { size } = await file.stat();
    const small = size <= IN_MEMORY_BYTES && columns <= MANY_COLUMNS;
    return { ...duckLimits(columns), keep: small ? 'memory' : 'file' };
  } finally {
    await file.close();
  }
};

/** Of the first version of a dataset. */
const holdoutOf = (
  duck: Duck,
  specs: readonly ColumnSpec[],
  { target, holdoutGroup, holdoutFraction: fraction, salt }: ProfilePayload,
  task: LearningTask,
): Promise<HoldoutRule> =>
  holdoutGroup == null
    ? chooseHoldout(duck, specs, target, fraction, salt, task)
    : chooseGroups(duck, specs, { column: holdoutGroup, target, fraction, salt });

/** Validates, profiles and seals one uploaded file. Fails with the codes of docs/errors.md. */
export const runProfile = async (payload: ProfilePayload, io: TaskIo): Promise<ProfileResult> => {
  io.progress('FETCHING', 0);
  const path = await io.fetch(payload.source, 'upload');
  io.progress('PREPARING', 0.2, { message: 'reading' });
  const duck = await Duck.open({ folder: io.scratchDir, ...(await guessLimits(path)) });
  try {
    const raw = await loadRaw(duck, path, payload.format, payload.target);
    const at = payload.target === null ? null : findTarget(raw.names, payload.target);
    const distinct = await countDistinct(duck, raw.names.length);
    const inferred: InferredColumn[] = [];
    for (const [position, name] of raw.names.entries()) {
      inferred.push(
        position === 0 && raw.images !== undefined
          ? { spec: raw.images.spec, unreadable: 0, cells: null }
          : await inferFromRaw(duck, position, { name, rows: raw.rows, distinct: distinct[position] }),
      );
      io.progress('PREPARING', 0.25 + (0.2 * (position + 1)) / raw.names.length, {
        message: 'finding types',
      });
    }
    const target = await readTarget(duck, at, inferred, payload);
    const specs = await Promise.all(
      inferred.map((column, position) =>
        withSpellings(
          duck,
          position,
          position === at ? (target.spec ?? column.spec) : column.spec,
          column.cells,
        ),
      ),
    );
    io.progress('PREPARING', 0.5, { message: 'parsing' });
    await makeTyped(duck, specs);
    await duck.run('drop table raw');
    if (target.aim === null) await checkRows(duck);
    else {
      await duck.run(`delete from typed where c${target.aim.at} is null`);
      await checkTarget(duck, target.aim.at, specs[target.aim.at]);
    }

    const holdout = payload.holdout ?? (await holdoutOf(duck, specs, payload, target.task));
    const heldOut = isHeldOut(holdout, specs, payload.target);

    const profile = await profileColumns(duck, specs, target.aim, (columns) =>
      io.progress('PREPARING', 0.6 + (0.25 * columns) / specs.length, { message: 'profiling' }),
    );
    const warnings = [
      ...unreadable(inferred.filter((_, position) => position !== at)),
      ...(await findWarnings(duck, specs, profile, target.aim)),
    ];
    const { rows } = await duck.one<{ rows: number }>('select count(*) as rows from typed');
    if (rows < raw.rows) {
      warnings.push({
        code: 'TARGET_MISSING_ROWS',
        column: payload.target,
        message: `${raw.rows - rows} rows without a target were left out`,
      });
    }
    if (raw.images !== undefined && raw.images.unreadable.count > 0) {
      const { names, count } = raw.images.unreadable;
      warnings.push({
        code: 'MIXED_VALUES',
        column: raw.images.spec.name,
        message: `${count} pictures cannot be read and were left out: ${names.join(', ')}${count > names.length ? ', ...' : ''}`,
      });
    }
    io.progress('PREPARING', 0.9, { message: 'sealing' });
    const file = await writeSealed(duck, specs, io.scratchDir, heldOut);
    // The file knows: counting in the table would hash every row once more.
    const { held } = await duck.one<{ held: number }>(
      `select count(*) filter (${identifier(HOLDOUT_COLUMN)}) as held from read_parquet(${literal(file)})`,
    );
    const sealed = await io.store(payload.sealed, { path: file });
    io.progress('PREPARING', 1);
    return {
      kind: 'profile',
      rows,
      holdoutRows: held,
      task: target.task,
      columns: specs,
      profile,
      warnings,
      holdout,
      sealed,
    };
  } finally {
    duck.close();
  }
};
