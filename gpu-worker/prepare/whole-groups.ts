/** Rows that belong together stay on one side of a split. */
import type { HoldoutRule } from '../../contracts';
import { permutation } from '../../onnx';
import type { Column, Table } from '../data/table';
import { columnNamed } from './target';

/** A number for each value of a column; -1 where a cell is missing. */
export const groupsOf = (column: Column): Int32Array => {
  if ('codes' in column) return column.codes;
  const codes = new Map<number, number>();
  return Int32Array.from(column.values, (value) => {
    if (Number.isNaN(value)) return NO_GROUP;
    const code = codes.get(value) ?? codes.size;
    codes.set(value, code);
    return code;
  });
};

/** A row without a value: nobody can say what it belongs to, so it only ever teaches. */
const NO_GROUP = -1;

/** The groups that the held-out rows of a table were chosen by; undefined where they were chosen row by row or by time. */
export const heldOutGroups = (table: Table, holdout: HoldoutRule): Int32Array | undefined =>
  holdout.kind === 'group' ? groupsOf(columnNamed(table, holdout.column)) : undefined;

/**
 * Whole groups of about a share `fraction` of `rows`, drawn by `seed`, are for validation: at least one where the share is
 * not 0; where there are no two groups, the last rows.
 */
export const byGroups = (
  rows: Int32Array,
  groupOf: (row: number) => number,
  fraction: number,
  seed: number,
): { readonly training: Int32Array; readonly validation: Int32Array } => {
  const wanted = Math.floor(rows.length * fraction);
  const chosen = drawnGroups(rows, groupOf, wanted, seed);
  const judges = (row: number, at: number): boolean =>
    chosen.size > 0 ? chosen.has(groupOf(row)) : at >= rows.length - wanted;
  return { training: rows.filter((row, at) => !judges(row, at)), validation: rows.filter(judges) };
};

/** Of at most `wanted` rows together, or the smallest one; none where there are no two or no row is wanted. */
const drawnGroups = (
  rows: Int32Array,
  groupOf: (row: number) => number,
  wanted: number,
  seed: number,
): ReadonlySet<number> => {
  const sizes = new Map<number, number>();
  for (const row of rows) {
    const group = groupOf(row);
    if (group !== NO_GROUP) sizes.set(group, (sizes.get(group) ?? 0) + 1);
  }
  const chosen = new Set<number>();
  if (sizes.size < 2 || wanted === 0) return chosen;
  const groups = [...sizes];
  let count = 0;
  for (const at of permutation(groups.length, seed, 0)) {
    const [group, size] = groups[at];
    if (count + size > wanted) continue;
    chosen.add(group);
    count += size;
  }
  const [smallest] = groups.reduce((one, other) => (other[1] < one[1] ? other : one));
  return chosen.size > 0 ? chosen : chosen.add(smallest);
};
