import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../../contracts';
import type { ColumnSpec, DataFormat } from '../../contracts';
import { LIMITS } from '../../tabular';
import type { Duck } from './duck';
import { literal } from './duck';
import { jsonLinesToCsv } from './json-lines';
import { checkedNames, scan } from './scan';
import { sniff } from './sniff';
import { loadZip } from './zip';

/** Table `raw`: `row` (file order, from 0) and `c0`, `c1`, … as text; the names stand in `names`. */
export interface RawTable {
  readonly names: readonly string[];
  readonly rows: number;
  /** Where the first column holds pictures: how they are read, and which could not be. */
  readonly images?: {
    readonly spec: ColumnSpec;
    readonly unreadable: { readonly names: readonly string[]; readonly count: number };
  };
}

const columnList = (count: number, each: (at: number) => string): string =>
  Array.from({ length: count }, (_, at) => each(at)).join(', ');

const loadCsv = async (duck: Duck, path: string, delimiter: string | null): Promise<RawTable> => {
  const scanned = await scan(path, delimiter);
  const count = scanned.header.length;
  try {
    await duck.run(
      `create table raw as select row_number() over () - 1 as row, ${columnList(count, (at) => `c${at}`)}
         from read_csv(${literal(path)}, delim=${literal(scanned.delimiter)}, quote='"', escape='"', header=false, skip=1,
           auto_detect=false, strict_mode=true, max_line_size=${LIMITS.lineBytes + 1024}, buffer_size=${4 * LIMITS.lineBytes},
           columns={${columnList(count, (at) => `'c${at}': 'VARCHAR'`)}})`,
    );
  } catch (cause) {
    // Short of memory or disk is no fault of the rows.
    if (!(cause instanceof Error) || !/^(Invalid Input|Conversion) Error/.test(cause.message)) throw cause;
    throw new Failure('RAGGED_ROWS', 'the rows could not be read as delimited text', {
      hint: `delimiter ${JSON.stringify(scanned.delimiter)}; text with quotes, delimiters or line breaks must be quoted`,
      cause,
    });
  }
  return { names: scanned.header, rows: scanned.rows };
};

const NESTED = /STRUCT|\[\]|MAP|UNION|LIST|BLOB|BIT/i;

const loadParquet = async (duck: Duck, path: string): Promise<RawTable> => {
  const source = `read_parquet(${literal(path)})`;
  let columns: { column_name: string; column_type: string }[];
  try {
    const meta = await duck.one<{ rows: number }>(
      `select num_rows as rows from parquet_file_metadata(${literal(path)})`,
    );
    if (meta.rows > LIMITS.rows) {
      throw new Failure(
        'PAYLOAD_TOO_LARGE',
        `the file has ${meta.rows} rows; at most ${LIMITS.rows} are accepted`,
      );
    }
    columns = await duck.rows(`describe select * from ${source}`);
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    throw new Failure('UNKNOWN_FORMAT', 'the Parquet file could not be read', { cause });
  }
  const names = checkedNames(columns.map((column) => column.column_name));
  const nested = columns.find((column) => NESTED.test(column.column_type));
  if (nested !== undefined) {
    throw new Failure('UNKNOWN_FORMAT', `column ${JSON.stringify(nested.column_name)} is nested or binary`, {
      path: [nested.column_name],
      hint: 'columns must hold numbers, text, booleans, dates or times',
    });
  }
  const list = columnList(names.length, (at) => `p.c${at}::varchar as c${at}`);
  const aliases = columnList(names.length, (at) => `c${at}`);
  try {
    await duck.run(
      `create table raw as select row_number() over () - 1 as row, ${list} from (select * from ${source}) as p(${aliases})`,
    );
  } catch (cause) {
    throw new Failure('UNKNOWN_FORMAT', 'the Parquet file is damaged', { cause });
  }
  const { rows } = await duck.one<{ rows: number }>('select count(*) as rows from raw');
  if (rows === 0) throw new Failure('NO_ROWS', 'the file has columns and no rows');
  return { names, rows };
};

/** Checks the file and reads every cell as text into table `raw`; `target` names the labels of pictures in folders. */
export const loadRaw = async (
  duck: Duck,
  path: string,
  format: DataFormat,
  target: string | null,
): Promise<RawTable> => {
  await sniff(path, format);
  switch (format) {
    case 'csv':
      return loadCsv(duck, path, null);
    case 'tsv':
      return loadCsv(duck, path, '\t');
    case 'parquet':
      return loadParquet(duck, path);
    case 'zip':
      return loadZip(duck, path, target);
    case 'jsonl': {
      const csv = join(path, '..', 'lines.csv');
      await jsonLinesToCsv(path, csv);
      const raw = await loadCsv(duck, csv, ',');
      await rm(csv);
      return raw;
    }
  }
};
