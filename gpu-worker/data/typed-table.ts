/**
 * Text cells become typed columns. Plain numbers and ISO times are cast in SQL, where the answer is the same as
 * tabular's; every other distinct cell is read once by tabular and joined back. So the meaning is tabular's and the speed
 * is DuckDB's.
 */
import type { DuckDBAppender } from '@duckdb/node-api';
import { Failure } from '../../contracts';
import type { ColumnSpec } from '../../contracts';
import { canonicalSpellings, inferColumn, parseCell } from '../../tabular';
import type { CellValue } from '../../tabular';
import type { Duck } from './duck';
import { literal } from './duck';

/** A finite plain decimal. DuckDB also reads `1_000`, `nan` and `inf`; tabular does not, or refuses them. */
const plain = (cell: string): string =>
  `(coalesce(isfinite(try_cast(${cell} as double)), false) and not contains(${cell}, '_'))`;
const ISO = "'\\d{4}-\\d{2}-\\d{2}([ T]\\d{2}:\\d{2}(:\\d{2}(\\.\\d{1,6})?)?)?'";
const iso = (cell: string): string =>
  `(regexp_full_match(${cell}, ${ISO}) and try_cast(${cell} as timestamp) is not null)`;

/** Distinct spellings kept in a category's spec; beyond them values are only cleaned. */
const CANONICAL_VALUES = 2_000;
const INFER_FROM = 2_000;

export interface InferredColumn {
  readonly spec: ColumnSpec;
  readonly unreadable: number;
  /** Every cell that is there, with its count, most frequent first; null where there are too many, or plain numbers. */
  readonly cells: readonly Cell[] | null;
}

interface Cell {
  readonly cell: string;
  readonly count: number;
}

/** Infers the spec of column `at` of table `raw`. */
export const inferFromRaw = async (duck: Duck, at: number, name: string): Promise<InferredColumn> => {
  const cell = `c${at}`;
  const summary = await duck.one<{ rows: number; empty: number; plain: number; distinct: number }>(
    `select count(*) as rows, count(*) filter (${cell} is null or trim(${cell}) = '') as empty,
       count(*) filter (${plain(cell)}) as plain, approx_count_distinct(${cell}) as distinct from raw`,
  );
  const all = summary.rows - summary.empty - summary.plain;
  // A column of plain numbers has no other cells to group.
  const others =
    all === 0
      ? []
      : await duck.rows<Cell>(
          `select ${cell} as cell, count(*) as count from raw
      where ${cell} is not null and trim(${cell}) <> '' and not ${plain(cell)}
      group by 1 order by 2 desc, 1 limit ${INFER_FROM}`,
        );
  // The sample stands for all other cells where there are more distinct ones than it holds.
  const shown = others.reduce((sum, other) => sum + other.count, 0);
  const scale = shown === 0 ? 1 : all / shown;
  const inferred = inferColumn({
    name,
    ...summary,
    others: others.map(({ cell: text, count }) => [text, count * scale] as const),
  });
  const whole = summary.plain === 0 && others.length < INFER_FROM;
  return {
    spec: inferred.spec,
    unreadable: Math.round(inferred.unreadable),
    cells: whole ? others : null,
  };
};

/** Adds the spellings of a category column to its spec; `known`: its cells, where they were counted before. */
export const withSpellings = async (
  duck: Duck,
  at: number,
  spec: ColumnSpec,
  known: readonly Cell[] | null,
): Promise<ColumnSpec> => {
  if (spec.type !== 'category') return spec;
  const cells = known?.slice(0, CANONICAL_VALUES) ?? (await spellings(duck, at));
  const present = cells.filter(({ cell }) => !isMissingCell(spec, cell));
  return {
    ...spec,
    category: { canonical: canonicalSpellings(present.map(({ cell, count }) => [cell, count])) },
  };
};

const spellings = (duck: Duck, at: number): Promise<Cell[]> =>
  duck.rows<Cell>(
    `select c${at} as cell, count(*) as count from raw where c${at} is not null group by 1 order by 2 desc, 1
      limit ${CANONICAL_VALUES}`,
  );

const isMissingCell = (spec: ColumnSpec, cell: string): boolean => {
  const result = parseCell(spec, cell);
  return result.ok && result.value === null;
};

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

/** Columns that one query looks through. */
const LOOKED_THROUGH = 64;
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
