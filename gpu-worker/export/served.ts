/** What a sealed file answers for rows of a table, from its raw typed columns. */
import type { Device } from '../../contracts';
import type { Table } from '../data/table';
import { asFloat32, asStrings, withSession } from '../engine/onnxruntime';
import { inBlocks, rawFeeds } from '../prepare/matrix';

export interface Served {
  /** Numbers in target units, or labels. */
  readonly predictions: Float32Array | string[];
  /** Row-major [rows, classes]; null for a regression. */
  readonly probabilities: Float32Array | null;
}

/** Undefined when the file asks for a column that the table does not have. */
export const serve = async (
  onnx: Uint8Array,
  table: Table,
  rows: Int32Array,
  signal: AbortSignal,
  device: Device = 'cpu',
): Promise<Served | undefined> =>
  withSession(onnx, { device }, async (session) => {
    const known = new Set(table.columns.map(({ spec }) => spec.name));
    if (!session.inputNames.every((name) => known.has(name))) return undefined;
    const numbers = new Float32Array(rows.length);
    const labels: string[] = [];
    const probabilities: Float32Array[] = [];
    const classify = session.outputNames.includes('probabilities');
    await inBlocks(rows, signal, async (block, offset) => {
      const answer = await session.run(rawFeeds(table, session.inputNames, block));
      if (classify) {
        labels.push(...asStrings(answer['prediction']));
        probabilities.push(asFloat32(answer['probabilities']).slice());
      } else numbers.set(asFloat32(answer['prediction']), offset);
    });
    return classify
      ? { predictions: labels, probabilities: joined(probabilities) }
      : { predictions: numbers, probabilities: null };
  });

const joined = (parts: readonly Float32Array[]): Float32Array => {
  const all = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
};
