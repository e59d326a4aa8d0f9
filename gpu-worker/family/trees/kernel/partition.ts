import { copyMemory, i32, loopWhile } from './assembler';
import type { Module } from './assembler';
import type { Parallel } from './crew';
import { minimum } from './minimum';

/**
 * Splits a leaf's rows in two and keeps their order. First every chunk is sorted into two lists, then, when the
 * lengths are known, the lists are put together. No branch depends on the data: it would be mispredicted.
 */
export const definePartition = (module: Module, parallel: Parallel) => {
  const separate = parallel(
    'separate',
    {
      rows: 'i32',
      count: 'i32',
      chunkRows: 'i32',
      /** 256 bytes: 1 where a bin goes left. */
      goesLeft: 'i32',
      /** Bins of the feature, one byte a row of the table. */
      column: 'i32',
      /** Where the chunk's lists go: at the place that the chunk has in `rows`. */
      left: 'i32',
      right: 'i32',
      /** One word a chunk: rows that go left. */
      lefts: 'i32',
    },
    (args, { chunk }, local) => {
      const from = local('i32');
      const at = local('i32');
      const end = local('i32');
      const row = local('i32');
      const goes = local('i32');
      const left = local('i32');
      const right = local('i32');
      return [
        from.set(i32.shl(i32.mul(chunk.get, args.chunkRows.get), i32.const(2))),
        at.set(i32.add(args.rows.get, from.get)),
        end.set(
          i32.add(
            args.rows.get,
            minimum(
              i32.add(from.get, i32.shl(args.chunkRows.get, i32.const(2))),
              i32.shl(args.count.get, i32.const(2)),
            ),
          ),
        ),
        left.set(i32.add(args.left.get, from.get)),
        right.set(i32.add(args.right.get, from.get)),
        loopWhile(i32.lt(at.get, end.get), [
          row.set(i32.load(at.get)),
          goes.set(
            i32.shl(
              i32.load8(i32.add(args.goesLeft.get, i32.load8(i32.add(args.column.get, row.get)))),
              i32.const(2),
            ),
          ),
          i32.store(left.get, row.get),
          i32.store(right.get, row.get),
          left.set(i32.add(left.get, goes.get)),
          right.set(i32.add(right.get, i32.sub(i32.const(4), goes.get))),
          at.set(i32.add(at.get, i32.const(4))),
        ]),
        i32.store(
          i32.add(args.lefts.get, i32.shl(chunk.get, i32.const(2))),
          i32.shr(i32.sub(left.get, i32.add(args.left.get, from.get)), i32.const(2)),
        ),
      ];
    },
  );

  const join = parallel(
    'join',
    {
      rows: 'i32',
      count: 'i32',
      chunkRows: 'i32',
      left: 'i32',
      right: 'i32',
      lefts: 'i32',
      /** One word a chunk: where its left and its right list begin in the leaf. */
      leftStarts: 'i32',
      rightStarts: 'i32',
    },
    (args, { chunk }, local) => {
      const from = local('i32');
      const size = local('i32');
      const word = local('i32');
      const lefts = local('i32');
      const bytes = (rows: typeof lefts.get) => i32.shl(rows, i32.const(2));
      return [
        from.set(i32.mul(chunk.get, args.chunkRows.get)),
        size.set(i32.sub(minimum(i32.add(from.get, args.chunkRows.get), args.count.get), from.get)),
        from.set(bytes(from.get)),
        word.set(i32.shl(chunk.get, i32.const(2))),
        lefts.set(i32.load(i32.add(args.lefts.get, word.get))),
        copyMemory(
          i32.add(args.rows.get, bytes(i32.load(i32.add(args.leftStarts.get, word.get)))),
          i32.add(args.left.get, from.get),
          bytes(lefts.get),
        ),
        copyMemory(
          i32.add(args.rows.get, bytes(i32.load(i32.add(args.rightStarts.get, word.get)))),
          i32.add(args.right.get, from.get),
          bytes(i32.sub(size.get, lefts.get)),
        ),
      ];
    },
  );
  return { separate, join };
};
