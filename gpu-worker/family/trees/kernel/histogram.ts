import { fillMemory, i32, i64, loopOver, loopWhile, v128, when } from './assembler';
import type { Func, Module } from './assembler';
import { NOWHERE } from './crew';
import type { Parallel } from './crew';
import { minimum } from './minimum';

/** One byte a bin, eight features a word; every feature has room for 256 bins. */
export const FEATURES_A_WORD = 8;
/** A bin holds two int64: the gradients, and hessians shifted over the number of rows. */
const BIN_SHIFT = 4;
export const HISTOGRAM_BYTES = 256 << BIN_SHIFT;
/** Row numbers and gradients of a block stay in the first-level cache while the words of a row take turns. */
const BLOCK_ROWS = 512;

/**
 * A row of the table: its statistics (int32 hessian, int32 gradient), then its words of bins. They share a line of the
 * cache, and one load this many rows ahead brings it in while the rows before are added up: it halves the time of a
 * leaf whose rows are far apart.
 */
export const STATISTICS_BYTES = 8;
const ROWS_AHEAD = 16;
/** The list of row numbers is read this far past its end. */
export const ROWS_PADDING_BYTES = 4 * ROWS_AHEAD;

type AddRows = Func<
  { rows: 'i32'; end: 'i32'; table: 'i32'; word: 'i32'; stride: 'i32'; shift: 'i64'; histogram: 'i32' },
  'void'
>;

/** Adds the statistics of rows to the bins of the `width` features that share word number `word`. */
const addRows = (module: Module, width: number): AddRows =>
  module.func(
    `addRows${width}`,
    { rows: 'i32', end: 'i32', table: 'i32', word: 'i32', stride: 'i32', shift: 'i64', histogram: 'i32' },
    'void',
    (given, local) => {
      const { rows, end, table, stride, shift, histogram } = given;
      const row = local('i32');
      const toWord = local('i32');
      const statistics = local('i64');
      const ahead = local('i64');
      const word = local('i64');
      const bin = local('i32');
      const added = local('v128');
      const features = Array.from({ length: width }, (_, feature) => {
        const shift = feature * 8 - BIN_SHIFT;
        const moved =
          shift < 0
            ? i64.shl(word.get, i64.const(BigInt(-shift)))
            : i64.shr(word.get, i64.const(BigInt(shift)));
        const offset = feature * HISTOGRAM_BYTES;
        return [
          bin.set(i32.add(histogram.get, i32.and(i32.ofI64(moved), i32.const(0xff << BIN_SHIFT)))),
          v128.store(bin.get, v128.i64Add(v128.load(bin.get, offset), added.get), offset),
        ];
      }).flat();
      return [
        toWord.set(i32.add(i32.const(STATISTICS_BYTES), i32.shl(given.word.get, i32.const(3)))),
        loopWhile(i32.lt(rows.get, end.get), [
          row.set(i32.add(table.get, i32.mul(i32.load(rows.get, 4 * ROWS_AHEAD), stride.get))),
          ahead.set(i64.add(ahead.get, i64.load(i32.add(row.get, toWord.get)))),
          row.set(i32.add(table.get, i32.mul(i32.load(rows.get), stride.get))),
          statistics.set(i64.load(row.get)),
          added.set(
            v128.i64Lane1Set(
              v128.i64Splat(i64.sar(statistics.get, i64.const(32n))),
              i64.add(i64.shl(i64.and(statistics.get, i64.const(0xffffffffn)), shift.get), i64.const(1n)),
            ),
          ),
          word.set(i64.load(i32.add(row.get, toWord.get))),
          ...features,
          rows.set(i32.add(rows.get, i32.const(4))),
        ]),
        // A load whose value nobody wants could be left out.
        i64.store(i32.const(NOWHERE), ahead.get),
      ];
    },
  );

/** histogram = histogram and other, combined number by number. */
const combine = (module: Module, name: string, operator: typeof v128.i64Add): void => {
  module.func(
    name,
    { histogram: 'i32', other: 'i32', bytes: 'i32' },
    'void',
    ({ histogram, other, bytes }, local) => {
      const at = local('i32');
      const own = i32.add(histogram.get, at.get);
      return [
        loopOver(
          at,
          i32.const(0),
          bytes.get,
          [v128.store(own, operator(v128.load(own), v128.load(i32.add(other.get, at.get))))],
          16,
        ),
      ];
    },
  );
};

/**
 * Adds up a leaf's rows. Integer sums do not depend on the order, so every thread fills a histogram of its own and
 * the result is the same for any number of threads.
 */
export const defineHistogram = (module: Module, parallel: Parallel) => {
  const widths = Array.from({ length: FEATURES_A_WORD }, (_, index) => addRows(module, index + 1));

  module.func('fill', { address: 'i32', byte: 'i32', bytes: 'i32' }, 'void', ({ address, byte, bytes }) => [
    fillMemory(address.get, byte.get, bytes.get),
  ]);
  // Gathers the threads' parts; what is left of a parent without one child is the other child.
  combine(module, 'add', v128.i64Add);
  combine(module, 'subtract', v128.i64Sub);

  return parallel(
    'histogram',
    {
      /** Row numbers of the leaf. */
      rows: 'i32',
      count: 'i32',
      chunkRows: 'i32',
      table: 'i32',
      stride: 'i32',
      /** How far hessians are shifted over the number of rows. */
      shift: 'i32',
      /** Words to add up: their numbers. */
      words: 'i32',
      wordCount: 'i32',
      features: 'i32',
      /** Zeroed by the caller, used by thread 0; the others have theirs one after another at `others`. */
      histogram: 'i32',
      others: 'i32',
      bytes: 'i32',
      /** One word a thread: the last round in which it took part, so that a histogram of its own is cleared once. */
      lastRound: 'i32',
      round: 'i32',
    },
    (args, { chunk, thread }, local) => {
      const target = local('i32');
      const mark = local('i32');
      const at = local('i32');
      const end = local('i32');
      const blockEnd = local('i32');
      const list = local('i32');
      const listEnd = local('i32');
      const word = local('i32');
      const width = local('i32');
      const passed = {
        rows: i32.add(args.rows.get, i32.shl(at.get, i32.const(2))),
        end: i32.add(args.rows.get, i32.shl(blockEnd.get, i32.const(2))),
        table: args.table.get,
        word: word.get,
        stride: args.stride.get,
        shift: i64.ofI32(args.shift.get),
        histogram: i32.add(target.get, i32.mul(word.get, i32.const(FEATURES_A_WORD * HISTOGRAM_BYTES))),
      };
      return [
        target.set(args.histogram.get),
        when(thread.get, [
          target.set(i32.add(args.others.get, i32.mul(i32.sub(thread.get, i32.const(1)), args.bytes.get))),
          mark.set(i32.add(args.lastRound.get, i32.shl(thread.get, i32.const(2)))),
          when(i32.ne(i32.load(mark.get), args.round.get), [
            fillMemory(target.get, i32.const(0), args.bytes.get),
            i32.store(mark.get, args.round.get),
          ]),
        ]),
        at.set(i32.mul(chunk.get, args.chunkRows.get)),
        end.set(minimum(i32.add(at.get, args.chunkRows.get), args.count.get)),
        listEnd.set(i32.add(args.words.get, i32.shl(args.wordCount.get, i32.const(2)))),
        loopWhile(i32.lt(at.get, end.get), [
          blockEnd.set(minimum(i32.add(at.get, i32.const(BLOCK_ROWS)), end.get)),
          loopOver(
            list,
            args.words.get,
            listEnd.get,
            [
              word.set(i32.load(list.get)),
              width.set(
                minimum(
                  i32.sub(args.features.get, i32.shl(word.get, i32.const(3))),
                  i32.const(FEATURES_A_WORD),
                ),
              ),
              ...widths.map((add, index) =>
                when(i32.eq(width.get, i32.const(index + 1)), [add.call(passed)]),
              ),
            ],
            4,
          ),
          at.set(blockEnd.get),
        ]),
      ];
    },
  );
};
