import { join } from 'node:path';
import type { ColumnSpec } from '../../contracts';
import { HOLDOUT_COLUMN } from '../../contracts';
import type { Duck } from './duck';
import { identifier, literal } from './duck';

/** A row group is held in memory while it is written; a wide table gets shorter ones. */
const rowGroup = (columns: number): number =>
  Math.min(60, Math.max(1, Math.floor(8000 / (columns + 1)))) * 2048;

/** The writer takes so much for each text column at once, and 1 MiB is its default. */
const dictionaryBytes = (columns: number): number =>
  Math.min(1024 * 1024, Math.max(4096, Math.floor((64 * 1024 * 1024) / columns)));

/**
 * Writes table `typed` as Parquet, rows in order, columns by position (`c0`, `c1`, …)
 * and `__holdout` (the SQL condition `heldOut`): names that differ in case only are two columns for a tenant and one for SQL.
 */
export const writeSealed = async (
  duck: Duck,
  specs: readonly ColumnSpec[],
  folder: string,
  heldOut: string,
): Promise<string> => {
  const path = join(folder, 'sealed.parquet');
  const columns = specs.map((_, at) => `c${at}`).join(', ');
  // Sorting holds the table once more; it is there for a join that came out in another order.
  const { sorted } = await duck.one<{ sorted: boolean }>(
    `select coalesce(bool_and(row > before), true) as sorted from (select row, lag(row) over () as before from typed)`,
  );
  await duck.run(
    `copy (select ${columns}, ${heldOut} as ${identifier(HOLDOUT_COLUMN)} from typed ${sorted ? '' : 'order by row'})
       to ${literal(path)} (format parquet, compression zstd, row_group_size ${rowGroup(specs.length)}, string_dictionary_page_size_limit ${dictionaryBytes(specs.length)})`,
  );
  return path;
};
