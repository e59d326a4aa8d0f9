import { DuckDBDoubleVector, DuckDBIntegerVector, DuckDBListValue } from '@duckdb/node-api';
import { decodeImage } from '../../tabular';
import { dirname } from 'node:path';
import { Failure, HOLDOUT_COLUMN } from '../../contracts';
import type { ColumnSpec } from '../../contracts';
import { Duck, identifier, literal } from './duck';
import { DUCK_MEMORY_MB } from './profile';
import type { Column, ImageColumn, Table } from './table';

type Target = Float64Array | Int32Array | Uint8Array;

/** One pass over the file: each expression must be DOUBLE or INTEGER and never null, and fills the array beside it. */
const fill = async (
  duck: Duck,
  source: string,
  columns: readonly { readonly sql: string; readonly into: Target }[],
): Promise<void> => {
  const result = await duck.connection.stream(
    `select ${columns.map(({ sql }) => sql).join(', ')} from ${source}`,
  );
  for (let at = 0; ;) {
    const chunk = await result.fetchChunk();
    if (chunk === null || chunk.rowCount === 0) return;
    columns.forEach(({ into }, position) => {
      const vector = chunk.getColumnVector(position);
      if (!(vector instanceof DuckDBDoubleVector || vector instanceof DuckDBIntegerVector))
        throw new Error('a sealed column must be read as DOUBLE or INTEGER');
      for (let row = 0; row < chunk.rowCount; row++) into[at + row] = vector.getItem(row) as number;
    });
    at += chunk.rowCount;
  }
};

/** The distinct values of a text column, sorted; `dictionary<at>` makes codes of them in the same order. */
const makeDictionary = async (duck: Duck, source: string, at: number): Promise<string[]> => {
  await duck.run(
    `create type dictionary${at} as enum (select distinct c${at} from ${source} where c${at} is not null order by 1)`,
  );
  const [row] = await duck.rows<{ values: unknown }>(
    `select enum_range(null::dictionary${at})::varchar[] as values`,
  );
  return row.values instanceof DuckDBListValue ? row.values.items.map(String) : [];
};

/** Decodes pictures block by block: the file holds them as PNG in base64. */
const readImages = async (
  duck: Duck,
  source: string,
  at: number,
  spec: ImageColumn['spec'],
  rows: number,
): Promise<ImageColumn> => {
  const size = spec.image ?? { height: 1, width: 1, channels: 1 };
  const each = size.height * size.width * size.channels;
  if (rows * each > MOST_PIXEL_BYTES) {
    throw new Failure(
      'OUT_OF_MEMORY',
      `${rows} pictures of ${each} bytes are more than a training may hold`,
      {
        hint: 'train on fewer or smaller pictures',
      },
    );
  }
  const pixels = new Uint8Array(rows * each);
  let row = 0;
  for await (const block of duck.chunks(`select coalesce(c${at}, '') from ${source}`))
    for (const [text] of block as [string][]) {
      const decoded = decodeImage(Buffer.from(text, 'base64'), size);
      if (decoded.ok) pixels.set(decoded.pixels, row * each);
      row++;
    }
  return { spec, size, pixels };
};

const MOST_PIXEL_BYTES = 1.5 * 2 ** 30;

/** Characters of text columns that a table may hold in memory. */
const MOST_TEXT = 150_000_000;

/** Text columns that fit into `MOST_TEXT` together, the shorter ones first. */
const textsThatFit = async (duck: Duck, source: string, texts: readonly number[]): Promise<Set<number>> => {
  if (texts.length === 0) return new Set();
  const lengths = await duck.one<Record<string, number | null>>(
    `select ${texts.map((at) => `sum(length(c${at}))::double as c${at}`).join(', ')} from ${source}`,
  );
  const fitting = new Set<number>();
  let characters = 0;
  for (const at of [...texts].sort((a, b) => (lengths[`c${a}`] ?? 0) - (lengths[`c${b}`] ?? 0))) {
    characters += lengths[`c${at}`] ?? 0;
    if (characters <= MOST_TEXT) fitting.add(at);
  }
  return fitting;
};

/**
 * Reads a sealed Parquet file. `columns` are all columns of the version, in its order; `wanted` limits what is read by name
 * (default: all). Text columns that together would not fit into memory are left out. Scratch files go beside `path`.
 */
export const readSealed = async (
  path: string,
  columns: readonly ColumnSpec[],
  wanted: ReadonlySet<string> = new Set(columns.map((column) => column.name)),
): Promise<Table> => {
  const duck = await Duck.open({
    folder: dirname(path),
    memoryMb: DUCK_MEMORY_MB,
    threads: 1,
    keep: 'memory',
  });
  try {
    const source = `read_parquet(${literal(path)})`;
    const { rows } = await duck.one<{ rows: number }>(`select count(*) as rows from ${source}`);
    const holdout = new Uint8Array(rows);
    const fills: { sql: string; into: Target }[] = [
      { sql: `${identifier(HOLDOUT_COLUMN)}::integer`, into: holdout },
    ];
    const read: Column[] = [];
    const images: ImageColumn[] = [];
    const texts = columns.flatMap(({ name, type }, at) => (type === 'text' && wanted.has(name) ? [at] : []));
    const fitting = await textsThatFit(duck, source, texts);
    for (const [at, spec] of columns.entries()) {
      if (!wanted.has(spec.name) || (spec.type === 'text' && !fitting.has(at))) continue;
      if (spec.type === 'image') {
        images.push(await readImages(duck, source, at, spec as ImageColumn['spec'], rows));
        continue;
      }
      if (spec.type === 'number' || spec.type === 'time') {
        const values = new Float64Array(rows);
        fills.push({ sql: `coalesce(c${at}::double, 'nan'::double)`, into: values });
        read.push({ spec, kind: spec.type, values } as Column);
      } else {
        const codes = new Int32Array(rows);
        const dictionary = await makeDictionary(duck, source, at);
        fills.push({ sql: `coalesce(enum_code(c${at}::dictionary${at})::integer, -1)`, into: codes });
        read.push({ spec, kind: spec.type, codes, dictionary } as Column);
      }
    }
    await fill(duck, source, fills);
    return { rows, columns: read, holdout, ...(images.length > 0 && { images }) };
  } finally {
    duck.close();
  }
};
