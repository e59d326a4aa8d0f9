/** What a sealed file answers for rows of a table, from its raw typed columns. */
import type { Device } from '../../contracts';
import type { Table } from '../data/table';
import { inBlocks } from '../engine/in-blocks';
import { concatenated } from '../engine/concatenated';
import { asBooleans, asFloat32, asStrings, withSession } from '../engine/onnxruntime';
import { blockRows, rawFeeds } from '../prepare/matrix';
import { windowBlockRows, windowFeeds } from '../prepare/window';
import type { FedColumn, RowOrder } from '../prepare/window';

export interface Served {
  /** Numbers in target units, or labels. */
  readonly predictions: Float32Array | string[];
  /** Row-major [rows, classes]; null for a regression. */
  readonly probabilities: Float32Array | null;
  /** Conformal interval of a regression, where the file gives one. */
  readonly bounds: { readonly low: Float32Array; readonly high: Float32Array } | null;
  /** Conformal set of a classification, where the file gives one: row-major [rows, classes], 1 = in it. */
  readonly sets: Uint8Array | null;
  /** Of a forecast, row-major [rows, horizon, series, levels]; its `predictions` are [rows, horizon, series]. */
  readonly quantiles: Float32Array | null;
  /** Columns of made-up rows by output name. */
  readonly columns?: Readonly<Record<string, Float64Array | BigInt64Array | readonly string[]>>;
}

/**
 * Undefined when the file asks for a column that the table does not have, or for windows where no `order` says which rows
 * follow each other.
 */
export const serve = async (
  onnx: Uint8Array,
  table: Table,
  rows: Int32Array,
  signal: AbortSignal,
  { order, device = 'cpu' }: { readonly order?: RowOrder; readonly device?: Device } = {},
): Promise<Served | undefined> =>
  withSession(onnx, { device }, async (session) => {
    const known = new Set([...table.columns, ...(table.images ?? [])].map(({ spec }) => spec.name));
    if (!session.inputNames.every((name) => known.has(name))) return undefined;
    const longest = Math.max(1, ...(session.cells?.values() ?? []));
    if (longest > 1 && order === undefined) return undefined;
    const columns = session.inputNames.map((name): FedColumn => {
      const window = session.cells?.get(name) ?? 1;
      return { name, ...(window > 1 && { window }) };
    });
    const labels: string[] = [];
    const numbers = new Map<string, Float32Array[]>();
    const sets: Uint8Array[] = [];
    const made = new Map<string, MadeCells[]>();
    const read = table.columns.filter(({ spec }) => session.inputNames.includes(spec.name));
    await inBlocks(
      rows.length,
      signal,
      async (from, to) => {
        const block = rows.subarray(from, to);
        const feeds =
          order === undefined
            ? rawFeeds(table, session.inputNames, block)
            : windowFeeds(table, columns, order, block);
        const answer = await session.run(feeds);
        for (const name of session.outputNames) {
          const tensor = answer[name];
          if (tensor !== undefined && name.startsWith('row/')) added(made, name, tensor.data as MadeCells);
          else if (tensor?.type === 'string') for (const label of asStrings(tensor)) labels.push(label);
          else if (tensor?.type === 'bool') sets.push(asBooleans(tensor).slice());
          else added(numbers, name, asFloat32(tensor).slice());
        }
      },
      Math.min(windowBlockRows(longest), blockRows(read)),
    );
    const all = (name: string): Float32Array => concatenated(numbers.get(name) ?? [], Float32Array);
    const gives = (name: string): boolean => session.outputNames.includes(name);
    return {
      predictions: gives('probabilities') ? labels : gives('prediction') ? all('prediction') : [],
      probabilities: gives('probabilities') ? all('probabilities') : null,
      bounds: gives('low') ? { low: all('low'), high: all('high') } : null,
      columns: Object.fromEntries([...made].map(([name, parts]) => [name, chained(parts)])),
      sets: gives('set') ? concatenated(sets, Uint8Array) : null,
      quantiles: gives('quantiles') ? all('quantiles') : null,
    };
  });

const added = <T>(lists: Map<string, T[]>, name: string, item: T): void => {
  const list = lists.get(name);
  if (list === undefined) lists.set(name, [item]);
  else list.push(item);
};

type MadeCells = NonNullable<Served['columns']>[string];

/** The parts one after another, in an array of their own kind. */
const chained = (parts: readonly MadeCells[]): MadeCells => {
  const [first] = parts;
  if (first instanceof Float64Array) return concatenated(parts as Float64Array[], Float64Array);
  if (first instanceof BigInt64Array) return concatenated(parts as BigInt64Array[], BigInt64Array);
  return (parts as (readonly string[])[]).flat();
};
