import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import type { ColumnSpec, MergePayload, MergeResult } from '../../contracts';
import { Failure } from '../../contracts';
import { parseCell } from '../../tabular';
import type { TaskIo } from '../task-io';
import { profileColumn } from './column-profile';
import { Duck, literal } from './duck';
import { isHeldOut } from './holdout';
import { DUCK_MEMORY_MB } from './profile';
import { writeSealed } from './seal';
import { findTarget } from './target';
import { sqlType } from './typed-table';
import { findWarnings } from './warnings';

const Cell = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const FeedbackLine = z.object({ values: z.record(z.string(), Cell), actual: Cell });

/** Appends one feedback row to table `typed`; false when its outcome is missing or cannot be read. */
const appendFeedback = async (
  duck: Duck,
  path: string,
  specs: readonly ColumnSpec[],
  target: number,
  firstRow: number,
): Promise<number> => {
  const appender = await duck.connection.createAppender('feedback');
  let added = 0;
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    if (line === '') continue;
    const { values, actual } = FeedbackLine.parse(JSON.parse(line));
    const cells = specs.map((spec, at) => {
      const result = parseCell(spec, at === target ? actual : (values[spec.name] ?? null));
      return result.ok ? result.value : null;
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
  const duck = await Duck.open({ folder: io.scratchDir, memoryMb: DUCK_MEMORY_MB, threads: 2 });
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
    await duck.run(
      `insert into typed select row, ${columns}, ${isHeldOut(payload.holdout, specs, payload.target)} from feedback`,
    );
    const target = { at, task: payload.task };
    const profile = [];
    for (const [position, spec] of specs.entries())
      profile.push(await profileColumn(duck, position, spec, target));
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
