/**
 * Text cells become typed columns. Plain numbers and ISO times are cast in SQL, where the answer is the same as
 * tabular's; every other distinct cell is read once by tabular and joined back. So the meaning is tabular's and the speed
 * is DuckDB's.
 */
import type { DuckDBAppender } from '@duckdb/node-api';
import { Failure } from '../../contracts';
import type { ColumnSpec } from '../../contracts';
import { parseCell } from '../../tabular';
import type { CellValue } from '../../tabular';
import type { Duck } from './duck';
import { literal } from './duck';
import { LOOKED_THROUGH, plain } from './infer';

const ISO = "'\\d{4}-\\d{2}-\\d{2}([ T]\\d{2}:\\d{2}(:\\d{2}(\\.\\d{1,6})?)?)?'";
const iso = (cell: string): string =>
  `(regexp_full_match(${cell}, ${ISO}) and try_cast(${cell} as timestamp) is not null)`;

export const sqlType = (spec: ColumnSpec): string =>
  spec.type === 'number' ? 'DOUBLE' : spec.type === 'time' ? 'BIGINT' : 'VARCHAR';

/** The SQL that needs no mapping: true where it applies, and its value. */
const direct = (spec: ColumnSpec, cell: string): { when: string; value: string } | null => {
  if (spec.type === 'number' && spec.number?.group !== '.' && spec.number?.decimal !== ',') {
    return { when: plain(cell), value: `try_cast(${cell} as double)` };
  }
  if (spec.type === 'time') return { when: iso(cell), value: `epoch_us(try_cast(${cell} as timestamp))` };
  return null;
};

/** A cell that cannot be a value at all; others that a column cannot read become missing, with a warning. */
const refuse = async (
  duck: Duck,
  at: number,
  spec: ColumnSpec,
  cell: string,
  problem: string,
): Promise<never> => {
  const { row } = await duck.one<{ row: number }>(
    `select min(row) as row from raw where c${at} = '${cell.replaceAll("'", "''")}'`,
  );
  const where = `column ${JSON.stringify(spec.name)}, row ${row + 1}`;
  if (problem === 'not-finite') {
    throw new Failure('NOT_FINITE', `${where}: NaN, Infinity and numbers beyond 1.8e308 are not accepted`, {
      path: [spec.name],
      hint: 'leave the cell empty where there is no value',
    });
  }
  throw new Failure('NUMBER_OUT_OF_RANGE', `${where}: an integer beyond 2^53 cannot be held exactly`, {
    path: [spec.name],
    hint: 'if it is an identifier, put a letter before it or leave the column out',
  });
};

/** Changed cells up to this number are written into the query; more go to a table that is joined. */
const FEW_CHANGES = 40;
/** Every join holds its table in memory: columns with many changed cells are made in batches of so many. */
const JOINS_AT_ONCE = 16;

type Change = readonly [raw: string, value: CellValue];

const sqlValue = (spec: ColumnSpec, value: CellValue): string =>
  value === null ? 'null' : typeof value === 'string' ? literal(value) : `${value}::${sqlType(spec)}`;

/**
 * The cells of column `at` that SQL cannot read by itself, each with its value; one that text keeps as it is, or that a
 * number or time column cannot read, is not among them. Fails where a cell cannot be a value at all.
 */
const changes = async function* (duck: Duck, at: number, spec: ColumnSpec): AsyncGenerator<Change> {
  const cell = `c${at}`;
  const known = direct(spec, cell);
  const isText = spec.type === 'category' || spec.type === 'text';
  const distinct = `select distinct ${cell} from raw where ${cell} is not null ${known === null ? '' : `and not ${known.when}`}`;
  for await (const rows of duck.chunks(distinct)) {
    for (const [raw] of rows as [string][]) {
      const result = parseCell(spec, raw);
      if (!result.ok && result.problem !== 'wrong-type') await refuse(duck, at, spec, raw, result.problem);
      const value = result.ok ? result.value : null;
      if (value !== (isText ? raw : null)) yield [raw, value];
    }
  }
};

interface TypedColumn {
  readonly sql: string;
  /** Table of changed cells to join, where there are many. */
  readonly joined: boolean;
}

/** How column `at` of table `typed` is made of table `raw r`. */
const typedColumn = async (duck: Duck, at: number, spec: ColumnSpec): Promise<TypedColumn> => {
  const cell = `r.c${at}`;
  if (spec.type === 'image') return { sql: cell, joined: false };
  const known = direct(spec, cell);
  const few: Change[] = [];
  let appender: DuckDBAppender | null = null;
  const append = (table: DuckDBAppender, [raw, value]: Change): void => {
    table.appendVarchar(raw);
    if (value === null) table.appendNull();
    else if (typeof value === 'string') table.appendVarchar(value);
    else if (spec.type === 'time') table.appendBigInt(BigInt(value));
    else table.appendDouble(value);
    table.endRow();
  };
  for await (const change of changes(duck, at, spec)) {
    if (appender === null && few.length < FEW_CHANGES) few.push(change);
    else {
      if (appender === null) {
        await duck.run(`create table m${at} (raw varchar, value ${sqlType(spec)})`);
        appender = await duck.connection.createAppender(`m${at}`);
        for (const earlier of few) append(appender, earlier);
      }
      append(appender, change);
    }
  }
  appender?.closeSync();
  const otherwise = sqlType(spec) === 'VARCHAR' ? cell : 'null';
  const changed =
    appender !== null
      ? `case when m${at}.raw is not null then m${at}.value else ${otherwise} end`
      : few.length === 0
        ? otherwise
        : `case ${cell} ${few.map(([raw, value]) => `when ${literal(raw)} then ${sqlValue(spec, value)}`).join(' ')} else ${otherwise} end`;
  if (known === null) return { sql: `(${changed})::${sqlType(spec)}`, joined: appender !== null };
  if (changed === 'null' && spec.type === 'number') {
    // What is not plain has no value; `nan` and the like were refused already.
    return { sql: `case when ${known.when} then ${known.value} end`, joined: false };
  }
  return {
    sql: `case when ${known.when} then ${known.value} else ${changed} end`,
    joined: appender !== null,
  };
};

/** Shorter integers are below 2^53. */
const SHORT = 15;

/** Integers that doubles cannot hold would change silently in the cast. */
const checkIntegers = async (duck: Duck, specs: readonly ColumnSpec[]): Promise<void> => {
  const numbers = specs.flatMap(({ type }, at) => (type === 'number' ? [at] : []));
  for (let first = 0; first < numbers.length; first += LOOKED_THROUGH) {
    const some = numbers.slice(first, first + LOOKED_THROUGH);
    const lengths = await duck.one<Record<string, number | null>>(
      `select ${some.map((at) => `max(length(c${at})) as c${at}`).join(', ')} from raw`,
    );
    for (const at of some) if ((lengths[`c${at}`] ?? 0) > SHORT) await checkLongIntegers(duck, at, specs[at]);
  }
};

const checkLongIntegers = async (duck: Duck, at: number, spec: ColumnSpec): Promise<void> => {
  const cell = `c${at}`;
  const [found] = await duck.rows<{ cell: string }>(
    `select ${cell} as cell from raw where length(${cell}) > ${SHORT} and abs(try_cast(${cell} as double)) > 9007199254740991
       and regexp_full_match(trim(${cell}), '[+-]?\\d+') limit 1`,
  );
  if (found !== undefined) await refuse(duck, at, spec, found.cell, 'out-of-range');
};

/** Table `typed`: `row` and `c0`, `c1`, … with SQL types; missing cells are null. */
export const makeTyped = async (duck: Duck, specs: readonly ColumnSpec[]): Promise<void> => {
  await checkIntegers(duck, specs);
  const columns: TypedColumn[] = [];
  for (const [at, spec] of specs.entries()) {
    columns.push(await typedColumn(duck, at, spec));
  }
  const joined = columns.flatMap((column, at) => (column.joined ? [at] : []));
  const joins = (some: readonly number[]): string =>
    some.map((at) => `left join m${at} on m${at}.raw = r.c${at}`).join(' ');
  const made = (at: number): string => `${columns[at].sql} as c${at}`;
  const batches: number[][] = [];
  for (let first = 0; first < joined.length; first += JOINS_AT_ONCE)
    batches.push(joined.slice(first, first + JOINS_AT_ONCE));
  const inline = batches.length <= 1;
  for (const [number, batch] of inline ? [] : batches.entries()) {
    await duck.run(
      `create table part${number} as select r.row, ${batch.map(made).join(', ')} from raw r ${joins(batch)} order by r.row`,
    );
    for (const at of batch) await duck.run(`drop table m${at}`);
  }
  // The parts hold the same rows in the same order.
  const select = columns.map((column, at) => {
    const part = batches.findIndex((batch) => batch.includes(at));
    return column.joined && !inline ? `part${part}.c${at}` : made(at);
  });
  await duck.run(
    `create table typed as select r.row, ${select.join(', ')} from raw r
      ${inline ? joins(joined) : batches.map((_, number) => `positional join part${number}`).join(' ')}`,
  );
  if (inline) for (const at of joined) await duck.run(`drop table m${at}`);
  else for (const number of batches.keys()) await duck.run(`drop table part${number}`);
};
