import { f32, i32, loopWhile, select, when } from './assembler';
import type { Parallel } from './crew';
import { minimum } from './minimum';

/** Thresholds of a column, padded with +Infinity to this many. */
export const THRESHOLDS = 256;

/** Puts the values of a column into its bins: the bin is the number of thresholds that are less than the value. */
export const defineBinning = (parallel: Parallel) =>
  parallel(
    'bin',
    {
      /** float32 a row. */
      values: 'i32',
      rows: 'i32',
      chunkRows: 'i32',
      thresholds: 'i32',
      missingBin: 'i32',
      /** One byte a row. */
      column: 'i32',
      /** The same in the table of all features, `stride` bytes a row; 0: there is none. */
      table: 'i32',
      stride: 'i32',
    },
    (args, { chunk }, local) => {
      const row = local('i32');
      const end = local('i32');
      const bin = local('i32');
      const value = local('f32');
      const step = (width: number) =>
        bin.set(
          select(
            i32.add(bin.get, i32.const(width)),
            bin.get,
            f32.gt(
              value.get,
              f32.load(i32.add(args.thresholds.get, i32.shl(bin.get, i32.const(2))), (width - 1) * 4),
            ),
          ),
        );
      return [
        row.set(i32.mul(chunk.get, args.chunkRows.get)),
        end.set(minimum(i32.add(row.get, args.chunkRows.get), args.rows.get)),
        loopWhile(i32.lt(row.get, end.get), [
          value.set(f32.load(i32.add(args.values.get, i32.shl(row.get, i32.const(2))))),
          bin.set(i32.const(0)),
          ...[128, 64, 32, 16, 8, 4, 2, 1].map(step),
          bin.set(select(bin.get, args.missingBin.get, f32.eq(value.get, value.get))),
          i32.store8(i32.add(args.column.get, row.get), bin.get),
          when(args.table.get, [
            i32.store8(i32.add(args.table.get, i32.mul(row.get, args.stride.get)), bin.get),
          ]),
          row.set(i32.add(row.get, i32.const(1))),
        ]),
      ];
    },
  );
