/**
 * Text cells become typed columns. Plain numbers and ISO times are cast in SQL, where the answer is the same as
 * tabular's; every other distinct cell is read once by tabular and joined back. So the meaning is tabular's and the speed
 * is DuckDB's.
 */
import { Failure } from '../../contracts';
import type { ColumnSpec } from '../../contracts';
import { canonicalSpellings, inferColumn, parseCell } from '../../tabular';
import type { Duck } from './duck';

/** A finite plain decimal. DuckDB also reads `1_000`, `nan` and `inf`; tabular does not, or refuses them. */
const plain = (cell: string): string =>
  `(coalesce(isfinite(try_cast(${cell} as double)), false) and not contains(${cell}, '_'))`;
const ISO = "'\\d{4}-\\d{2}-\\d{2}([ T]\\d{2}:\\d{2}(:\\d{2}(\\.\\d{1,6})?)?)?'";
const iso = (cell: string): string =>
  `(regexp_full_match(${cell}, ${ISO}) and try_cast(${cell} as timestamp) is not null)`;

/** Distinct spellings kept in a category's spec; beyond them values are only cleaned. */
const CANONICAL_VALUES = 20_000;
const INFER_FROM = 2_000;

export interface InferredColumn {
  readonly spec: ColumnSpec;
  readonly unreadable: number;
}

/** Infers the spec of column `at` of table `raw`. */
export const inferFromRaw = async (duck: Duck, at: number, name: string): Promise<InferredColumn> => {
  const cell = `c${at}`;
  const summary = await duck.one<{ rows: number; empty: number; plain: number; distinct: number }>(
    `select count(*) as rows, count(*) filter (${cell} is null or trim(${cell}) = '') as empty,
       count(*) filter (${plain(cell)}) as plain, approx_count_distinct(${cell}) as distinct from raw`,
  );
  const others = await duck.rows<{ cell: string; count: number }>(
    `select ${cell} as cell, count(*) as count from raw
      where ${cell} is not null and trim(${cell}) <> '' and not ${plain(cell)}
      group by 1 order by 2 desc, 1 limit ${INFER_FROM}`,
  );
  // The sample stands for all other cells where there are more distinct ones than it holds.
  const shown = others.reduce((sum, other) => sum + other.count, 0);
  const all = summary.rows - summary.empty - summary.plain;
  const scale = shown === 0 ? 1 : all / shown;
  const inferred = inferColumn({
    name,
    ...summary,
    others: others.map(({ cell: text, count }) => [text, count * scale] as const),
  });
  return { spec: inferred.spec, unreadable: Math.round(inferred.unreadable) };
};

/** Adds the spellings of a category column to its spec. */
export const withSpellings = async (duck: Duck, at: number, spec: ColumnSpec): Promise<ColumnSpec> => {
  if (spec.type !== 'category') return spec;
  const cells = await duck.rows<{ cell: string; count: number }>(
    `select c${at} as cell, count(*) as count from raw where c${at} is not null group by 1 order by 2 desc, 1
      limit ${CANONICAL_VALUES}`,
  );
  const present = cells.filter(({ cell }) => !isMissingCell(spec, cell));
  return {
    ...spec,
    category: { canonical: canonicalSpellings(present.map(({ cell, count }) => [cell, count])) },
  };
};

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

/** Makes table `m<at>` (`raw`, `value`) of the cells of column `at` that SQL cannot read by itself. */
const mapOthers = async (duck: Duck, at: number, spec: ColumnSpec): Promise<void> => {
  const cell = `c${at}`;
  const known = direct(spec, cell);
  await duck.run(`create table m${at} (raw varchar, value ${sqlType(spec)})`);
  const appender = await duck.connection.createAppender(`m${at}`);
  const distinct = `select distinct ${cell} from raw where ${cell} is not null ${known === null ? '' : `and not ${known.when}`}`;
  for await (const rows of duck.chunks(distinct)) {
    for (const [raw] of rows as [string][]) {
      const result = parseCell(spec, raw);
      if (!result.ok && result.problem !== 'wrong-type') {
        appender.closeSync();
        await refuse(duck, at, spec, raw, result.problem);
      }
      const value = result.ok ? result.value : null;
      appender.appendVarchar(raw);
      if (value === null) appender.appendNull();
      else if (typeof value === 'string') appender.appendVarchar(value);
      else if (spec.type === 'time') appender.appendBigInt(BigInt(value));
      else appender.appendDouble(value);
      appender.endRow();
    }
  }
  appender.closeSync();
};

/** Integers that doubles cannot hold would change silently in the cast. */
const checkIntegers = async (duck: Duck, at: number, spec: ColumnSpec): Promise<void> => {
  const cell = `c${at}`;
  const [found] = await duck.rows<{ cell: string }>(
    `select ${cell} as cell from raw where length(${cell}) > 15 and abs(try_cast(${cell} as double)) > 9007199254740991
       and regexp_full_match(trim(${cell}), '[+-]?\\d+') limit 1`,
  );
  if (found !== undefined) await refuse(duck, at, spec, found.cell, 'out-of-range');
};

/** Table `typed`: `row` and `c0`, `c1`, … with SQL types; missing cells are null. */
export const makeTyped = async (duck: Duck, specs: readonly ColumnSpec[]): Promise<void> => {
  const columns: string[] = [];
  const joins: string[] = [];
  for (const [at, spec] of specs.entries()) {
    if (spec.type === 'number') await checkIntegers(duck, at, spec);
    await mapOthers(duck, at, spec);
    const known = direct(spec, `r.c${at}`);
    const { count } = await duck.one<{ count: number }>(`select count(*) as count from m${at}`);
    if (count === 0 && known !== null) {
      columns.push(`${known.value} as c${at}`);
    } else {
      joins.push(`left join m${at} on m${at}.raw = r.c${at}`);
      columns.push(
        `${known === null ? `m${at}.value` : `case when ${known.when} then ${known.value} else m${at}.value end`} as c${at}`,
      );
    }
  }
  await duck.run(`create table typed as select r.row, ${columns.join(', ')} from raw r ${joins.join(' ')}`);
  for (const at of specs.keys()) await duck.run(`drop table m${at}`);
};
