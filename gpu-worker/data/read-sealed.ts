import { DuckDBDoubleVector } from '@duckdb/node-api';
import { dirname } from 'node:path';
import { HOLDOUT_COLUMN } from '../../contracts';
import type { ColumnSpec } from '../../contracts';
import { Duck, identifier, literal } from './duck';
import { DUCK_MEMORY_MB } from './profile';
import type { Column, Table } from './table';

/** Fills `into` from a DOUBLE column, chunk by chunk, without a JavaScript number per cell. */
const readDoubles = async (
  duck: Duck,
  source: string,
  expression: string,
  into: Float64Array,
): Promise<void> => {
  const result = await duck.connection.stream(`select coalesce(${expression}, 'nan'::double) from ${source}`);
  for (let at = 0; ;) {
    const chunk = await result.fetchChunk();
    if (chunk === null || chunk.rowCount === 0) return;
    const vector = chunk.getColumnVector(0);
    if (!(vector instanceof DuckDBDoubleVector))
      throw new Error('a DOUBLE column must come as a double vector');
    for (let row = 0; row < chunk.rowCount; row++) into[at + row] = vector.getItem(row) ?? Number.NaN;
    at += chunk.rowCount;
  }
};

const readCodes = async (duck: Duck, source: string, column: string, into: Int32Array): Promise<string[]> => {
  const codes = new Map<string, number>();
  let at = 0;
  for await (const rows of duck.chunks(`select ${column} from ${source}`)) {
    for (const [value] of rows as [string | null][]) {
      if (value === null) into[at++] = -1;
      else {
        let code = codes.get(value);
        if (code === undefined) {
          code = codes.size;
          codes.set(value, code);
        }
        into[at++] = code;
      }
    }
  }
  return [...codes.keys()];
};

/**
 * Reads a sealed Parquet file. `columns` are all columns of the version, in its order; `wanted` limits what is read by name
 * (default: all). Scratch files go beside `path`.
 */
export const readSealed = async (
  path: string,
  columns: readonly ColumnSpec[],
  wanted: ReadonlySet<string> = new Set(columns.map((column) => column.name)),
): Promise<Table> => {
  const duck = await Duck.open({ folder: dirname(path), memoryMb: DUCK_MEMORY_MB, threads: 1 });
  try {
    const source = `read_parquet(${literal(path)})`;
    const { rows } = await duck.one<{ rows: number }>(`select count(*) as rows from ${source}`);
    const read: Column[] = [];
    for (const [at, spec] of columns.entries()) {
      if (!wanted.has(spec.name)) continue;
      if (spec.type === 'number' || spec.type === 'time') {
        const values = new Float64Array(rows);
        await readDoubles(duck, source, `c${at}::double`, values);
        read.push({ spec, kind: spec.type, values } as Column);
      } else {
        const codes = new Int32Array(rows);
        const dictionary = await readCodes(duck, source, `c${at}`, codes);
        read.push({ spec, kind: spec.type, codes, dictionary } as Column);
      }
    }
    const held = new Float64Array(rows);
    await readDoubles(duck, source, `${identifier(HOLDOUT_COLUMN)}::int::double`, held);
    return { rows, columns: read, holdout: Uint8Array.from(held) };
  } finally {
    duck.close();
  }
};
