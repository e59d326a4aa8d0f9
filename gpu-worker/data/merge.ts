import { z } from 'zod';
import type { ColumnSpec, MergePayload, MergeResult } from '../../contracts';
import { Failure } from '../../contracts';
import { parseCell, parseNumber } from '../../tabular';
import type { CellValue } from '../../tabular';
import type { TaskIo } from '../task-io';
import { profileColumns } from './column-profile';
import { Duck, literal } from './duck';
import { isHeldOut } from './holdout';
import { jsonLines } from './json-lines';
import { duckLimits } from './profile';
import { writeSealed } from './seal';
import { aimOf, findTarget } from './target';
import { sqlType } from './typed-table';
import { findWarnings } from './warnings';

const Cell = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const FeedbackLine = z.object({ values: z.record(z.string(), Cell), actual: Cell });

/** `1` and `1.0` are one class: an outcome sent as a number takes the spelling that the data has. */
const asKnownClass = (spec: ColumnSpec, outcome: CellValue): CellValue => {
  const known = spec.category?.canonical.map(([, spelling]) => spelling) ?? [];
  if (spec.type !== 'category' || outcome === null || known.includes(String(outcome))) return outcome;
  const value = parseNumber(String(outcome));
  if (!value.ok) return outcome;
  return (
    known.find((spelling) => {
      const other = parseNumber(spelling);
      return other.ok && other.value === value.value;
    }) ?? outcome
  );
};

/** Fills table `feedback`; answers how many rows have an outcome that can be read. Cells that cannot be read are missing. */
const appendFeedback = async (
  duck: Duck,
  path: string,
  specs: readonly ColumnSpec[],
  target: number,
  firstRow: number,
): Promise<number> => {
  const appender = await duck.connection.createAppender('feedback');
  let added = 0;
  for await (const [line, number] of jsonLines(path)) {
    const { values, actual } = feedbackLine(line, number);
    const given = new Map(Object.entries(values));
    const cells = specs.map((spec, at) => {
      const result = parseCell(spec, at === target ? actual : (given.get(spec.name) ?? null));
      const value = result.ok ? result.value : null;
      return at === target ? asKnownClass(spec, value) : value;
    });
    if (cells[target] === null) continue;
    appender.appendBigInt(BigInt(firstRow + added));
    cells.forEach((cell, at) => {
      if (cell === null) appender.appendNull();
      else if (typeof cell === 'string') appender.appendVarchar(cell);
      else if (specs[at].type === 'time') appender.appendBigInt(BigInt(cell));
      else appender.appendDouble(cell);
    });
    appender.endRow();
    added++;
  }
  appender.closeSync();
  return added;
};

const feedbackLine = (line: string, number: number): z.infer<typeof FeedbackLine> => {
  try {
    return FeedbackLine.parse(JSON.parse(line));
  } catch (cause) {
    throw new Failure('BAD_INPUT', `line ${number} of the feedback is not {"values": {...}, "actual": ...}`, {
      cause,
    });
  }
};

/**
 * True for feedback about a held-out row. Its key cannot tell: a prediction carries the model's inputs only, and the row's
 * other cells (identifiers, leaking columns) are part of the key. So all cells that feedback has are compared.
 */
const repeatsHeldOut = async (
  duck: Duck,
  specs: readonly ColumnSpec[],
  target: number,
  rows: number,
): Promise<string> => {
  const counts = await duck.one<Record<string, number>>(
    `select ${specs.map((_, at) => `count(c${at}) as c${at}`).join(', ')} from feedback`,
  );
  const given = specs.flatMap((_, at) => (at !== target && counts[`c${at}`] > 0 ? [`c${at}`] : []));
  if (given.length === 0) return 'false';
  const same = given.map((cell) => `h.${cell} is not distinct from feedback.${cell}`).join(' and ');
  return `exists (select 1 from typed h where h.holdout and h.row < ${rows} and ${same})`;
};

/** Old rows keep their side of the split; feedback rows get theirs from the same rule. */
export const runMerge = async (payload: MergePayload, io: TaskIo): Promise<MergeResult> => {
  io.progress('FETCHING', 0);
  const base = await io.fetch(payload.base, 'base.parquet');
  const feedback = await io.fetch(payload.feedback, 'feedback.jsonl');
  io.progress('PREPARING', 0.3, { message: 'adding feedback' });
  const specs = payload.columns;
  const at = findTarget(
    specs.map((spec) => spec.name),
    payload.target,
  );
  const duck = await Duck.open({ folder: io.scratchDir, ...duckLimits(specs.length) });
  try {
    const columns = specs.map((_, position) => `c${position}`).join(', ');
    await duck.run(
      `create table typed as select row_number() over () - 1 as row, ${columns}, __holdout as holdout from read_parquet(${literal(base)})`,
    );
    const { rows } = await duck.one<{ rows: number }>('select count(*) as rows from typed');
    await duck.run(
      `create table feedback (row bigint, ${specs.map((spec, position) => `c${position} ${sqlType(spec)}`).join(', ')})`,
    );
    const added = await appendFeedback(duck, feedback, specs, at, rows);
    if (added === 0) {
      throw new Failure('NO_ROWS', 'no feedback row has an outcome that can be read', {
        hint: 'submit feedback for predictions of this scenario first',
      });
    }
    const byRule = isHeldOut(payload.holdout, specs, payload.target);
    const byRow = await repeatsHeldOut(duck, specs, at, rows);
    await duck.run(
      `insert into typed select row, ${columns}, (${byRule}) or (${byRow}) from feedback order by row`,
    );
    const target = { at, task: aimOf(payload.task) };
    const profile = await profileColumns(duck, specs, target);
    const warnings = await findWarnings(duck, specs, profile, target);
    const counts = await duck.one<{ rows: number; held: number }>(
      'select count(*) as rows, count(*) filter (holdout) as held from typed',
    );
    io.progress('PREPARING', 0.8, { message: 'sealing' });
    const sealed = await io.store(payload.sealed, {
      path: await writeSealed(duck, specs, io.scratchDir, 'holdout'),
    });
    io.progress('PREPARING', 1);
    return {
      kind: 'merge',
      rows: counts.rows,
      holdoutRows: counts.held,
      addedRows: added,
      profile,
      warnings,
      sealed,
    };
  } finally {
    duck.close();
  }
};
