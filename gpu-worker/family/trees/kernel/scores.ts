import { f64, i32, i64, loopOver, loopWhile, when } from './assembler';
import type { Parallel } from './crew';
import { minimum } from './minimum';

/** A node on the way of a row through a tree: feature, left, right (i32 each), then 256 bytes, 1 where a bin goes left. */
export const ROUTE = { feature: 0, left: 4, right: 8, goesLeft: 16 } as const;
export const ROUTE_BYTES = 272;

export const defineScores = (parallel: Parallel) => {
  /**
   * Gradients and hessians as fixed-point numbers: sums of integers are exact, so neither the order of the rows nor
   * the subtraction of histograms leaves an error behind.
   */
  const quantise = parallel(
    'quantise',
    {
      gradients: 'i32',
      hessians: 'i32',
      gradientScale: 'f64',
      hessianScale: 'f64',
      table: 'i32',
      stride: 'i32',
      rows: 'i32',
      chunkRows: 'i32',
    },
    (args, { chunk }, local) => {
      const row = local('i32');
      const end = local('i32');
      const scaled = (values: typeof row.get, scale: typeof args.gradientScale.get) =>
        i64.ofF64(f64.nearest(f64.mul(f64.load(i32.add(values, i32.shl(row.get, i32.const(3)))), scale)));
      return [
        row.set(i32.mul(chunk.get, args.chunkRows.get)),
        end.set(minimum(i32.add(row.get, args.chunkRows.get), args.rows.get)),
        loopWhile(i32.lt(row.get, end.get), [
          i64.store(
            i32.add(args.table.get, i32.mul(row.get, args.stride.get)),
            i64.or(
              i64.shl(scaled(args.gradients.get, args.gradientScale.get), i64.const(32n)),
              scaled(args.hessians.get, args.hessianScale.get),
            ),
          ),
          row.set(i32.add(row.get, i32.const(1))),
        ]),
      ];
    },
  );

  /** Adds every leaf's value to the scores of its rows; a chunk is a leaf. */
  const addLeaves = parallel(
    'addLeaves',
    {
      rows: 'i32',
      /** One word a leaf: its first row and the one after its last, as places in `rows`. */
      starts: 'i32',
      ends: 'i32',
      /** f64 a leaf. */
      values: 'i32',
      scores: 'i32',
    },
    (args, { chunk }, local) => {
      const at = local('i32');
      const end = local('i32');
      const value = local('f64');
      const to = local('i32');
      const place = (list: typeof at.get) =>
        i32.add(
          args.rows.get,
          i32.shl(i32.load(i32.add(list, i32.shl(chunk.get, i32.const(2)))), i32.const(2)),
        );
      return [
        value.set(f64.load(i32.add(args.values.get, i32.shl(chunk.get, i32.const(3))))),
        end.set(place(args.ends.get)),
        loopOver(
          at,
          place(args.starts.get),
          end.get,
          [
            to.set(i32.add(args.scores.get, i32.shl(i32.load(at.get), i32.const(3)))),
            f64.store(to.get, f64.add(f64.load(to.get), value.get)),
          ],
          4,
        ),
      ];
    },
  );

  /** Sends rows through a tree and adds the value of the leaf where each ends. */
  const route = parallel(
    'route',
    {
      rows: 'i32',
      count: 'i32',
      chunkRows: 'i32',
      /** Records of ROUTE_BYTES; a child below 0 is leaf number -1 - child. */
      nodes: 'i32',
      root: 'i32',
      /** Bins, feature by feature, `columnBytes` each. */
      columns: 'i32',
      columnBytes: 'i32',
      values: 'i32',
      scores: 'i32',
    },
    (args, { chunk }, local) => {
      const at = local('i32');
      const end = local('i32');
      const row = local('i32');
      const node = local('i32');
      const record = local('i32');
      const bin = local('i32');
      const to = local('i32');
      return [
        at.set(i32.mul(chunk.get, args.chunkRows.get)),
        end.set(minimum(i32.add(at.get, args.chunkRows.get), args.count.get)),
        loopWhile(i32.lt(at.get, end.get), [
          row.set(i32.load(i32.add(args.rows.get, i32.shl(at.get, i32.const(2))))),
          node.set(args.root.get),
          // As unsigned numbers, leaves are above every node.
          loopWhile(i32.lt(node.get, i32.const(0x80000000)), [
            record.set(i32.add(args.nodes.get, i32.mul(node.get, i32.const(ROUTE_BYTES)))),
            bin.set(
              i32.load8(
                i32.add(
                  i32.add(
                    args.columns.get,
                    i32.mul(i32.load(record.get, ROUTE.feature), args.columnBytes.get),
                  ),
                  row.get,
                ),
              ),
            ),
            when(
              i32.load8(i32.add(record.get, bin.get), ROUTE.goesLeft),
              [node.set(i32.load(record.get, ROUTE.left))],
              [node.set(i32.load(record.get, ROUTE.right))],
            ),
          ]),
          to.set(i32.add(args.scores.get, i32.shl(row.get, i32.const(3)))),
          f64.store(
            to.get,
            f64.add(
              f64.load(to.get),
              f64.load(i32.add(args.values.get, i32.shl(i32.sub(i32.const(-1), node.get), i32.const(3)))),
            ),
          ),
          at.set(i32.add(at.get, i32.const(1))),
        ]),
      ];
    },
  );
  return { quantise, addLeaves, route };
};
