import { join } from 'node:path';
import type { PackPayload, PackResult } from '../../contracts';
import type { TaskIo } from '../task-io';
import { Duck, literal } from './duck';
import { DUCK_MEMORY_MB } from './profile';

/** Buffered prediction-log rows (JSON lines) become one Parquet file; nested values stay JSON. */
export const runPack = async (payload: PackPayload, io: TaskIo): Promise<PackResult> => {
  io.progress('FETCHING', 0);
  const rowsFile = await io.fetch(payload.rows, 'rows.jsonl');
  const duck = await Duck.open({ folder: io.scratchDir, memoryMb: DUCK_MEMORY_MB, threads: 1 });
  try {
    const packed = join(io.scratchDir, 'packed.parquet');
    await duck.run(
      `create table log as select * from read_json(${literal(rowsFile)}, format='newline_delimited', maximum_depth=1)`,
    );
    const { rows } = await duck.one<{ rows: number }>('select count(*) as rows from log');
    await duck.run(`copy log to ${literal(packed)} (format parquet, compression zstd)`);
    const file = await io.store(payload.packed, { path: packed });
    io.progress('EXPORTING', 1);
    return { kind: 'pack', rows, packed: file };
  } finally {
    duck.close();
  }
};
