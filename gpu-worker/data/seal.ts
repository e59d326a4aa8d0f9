import { join } from 'node:path';
import type { ColumnSpec } from '../../contracts';
import { HOLDOUT_COLUMN } from '../../contracts';
import type { Duck } from './duck';
import { identifier, literal } from './duck';

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
  await duck.run(
    `copy (select ${columns}, ${heldOut} as ${identifier(HOLDOUT_COLUMN)} from typed order by row)
       to ${literal(path)} (format parquet, compression zstd, row_group_size 122880)`,
  );
  return path;
};
