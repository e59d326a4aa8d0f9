import { f64, i32, i64, loopOver, loopWhile, repeatWhile, select, v128, when } from './assembler';
import type { Module } from './assembler';
import { HISTOGRAM_BYTES } from './histogram';

/** Where `split` writes its result, relative to `found`. */
export const FOUND = {
  /** f64: G²/(H + l2) of both children together, in units of the statistics; what came in when nothing is better. */
  score: 0,
  /** int64: gradients of the left child; its hessians and rows. */
  gradients: 8,
  hessians: 16,
  /** i32: -1 when nothing is better. */
  feature: 24,
  /** i32: the last bin that goes left. */
  bin: 28,
  /** i32: 1 when missing values go left. */
  missingLeft: 32,
} as const;
export const FOUND_BYTES = 40;

/**
 * The best split of a leaf over its numeric features, without constraints: the largest
 * G_left²/(H_left + l2) + G_right²/(H_right + l2) (Chen and Guestrin 2016, equation 7), missing values to either side.
 */
export const defineSplit = (module: Module): void => {
  module.func(
    'split',
    {
      histogram: 'i32',
      /** Features to look at: their numbers. */
      list: 'i32',
      listEnd: 'i32',
      /** One word a feature: bins with values; the next one holds missing values. */
      bins: 'i32',
      gradients: 'i64',
      hessians: 'i64',
      /** How far hessians are shifted over the number of rows. */
      shift: 'i64',
      l2: 'f64',
      leastHessian: 'f64',
      leastRows: 'i64',
      /** f64 score to beat. */
      score: 'f64',
      found: 'i32',
    },
    'void',
    (given, local) => {
      const { histogram, list, listEnd, bins, gradients, hessians, shift, l2, leastHessian, leastRows } =
        given;
      const best = given.score;
      const feature = local('i32');
      const first = local('i32');
      const at = local('i32');
      const end = local('i32');
      const valueBins = local('i32');
      const side = local('i32');
      const missing = local('v128');
      const sums = local('v128');
      const bin = local('v128');
      const mask = local('i64');
      const rows = local('i64');
      const allRows = local('i64');
      const h = local('f64');
      const g = local('f64');
      const allH = local('f64');
      const allG = local('f64');
      const score = local('f64');
      const terms = local('v128');
      const pair = (a: typeof g.get, b: typeof g.get) => v128.f64Lane1Set(v128.f64Splat(a), b);
      return [
        i32.store(given.found.get, i32.const(-1), FOUND.feature),
        mask.set(i64.sub(i64.shl(i64.const(1n), shift.get), i64.const(1n))),
        allRows.set(i64.and(hessians.get, mask.get)),
        allH.set(f64.ofI64(i64.shr(hessians.get, shift.get))),
        allG.set(f64.ofI64(gradients.get)),
        loopWhile(i32.lt(list.get, listEnd.get), [
          feature.set(i32.load(list.get)),
          first.set(i32.add(histogram.get, i32.mul(feature.get, i32.const(HISTOGRAM_BYTES)))),
          valueBins.set(i32.load(i32.add(bins.get, i32.shl(feature.get, i32.const(2))))),
          end.set(i32.add(first.get, i32.shl(valueBins.get, i32.const(4)))),
          missing.set(v128.load(end.get)),
          sums.set(v128.zero),
          side.set(i32.const(0)),
          // Missing values to the right, and, where there are any, to the left.
          repeatWhile(
            i32.lt(
              side.get,
              select(i32.const(1), i32.const(2), i64.eq(v128.i64Lane1(missing.get), i64.const(0n))),
            ),
            [
              when(side.get, [sums.set(missing.get)]),
              loopOver(
                at,
                first.get,
                end.get,
                [
                  bin.set(v128.load(at.get)),
                  // An empty bin is the same split as the one before.
                  when(i32.eqz(i64.eq(v128.i64Lane1(bin.get), i64.const(0n))), [
                    sums.set(v128.i64Add(sums.get, bin.get)),
                    rows.set(i64.and(v128.i64Lane1(sums.get), mask.get)),
                    when(i64.ge(rows.get, leastRows.get), [
                      when(
                        i64.ge(i64.sub(allRows.get, rows.get), leastRows.get),
                        [
                          h.set(f64.ofI64(i64.shr(v128.i64Lane1(sums.get), shift.get))),
                          g.set(f64.ofI64(v128.i64Lane0(sums.get))),
                          when(
                            i32.and(
                              f64.ge(h.get, leastHessian.get),
                              f64.ge(f64.sub(allH.get, h.get), leastHessian.get),
                            ),
                            [
                              terms.set(pair(g.get, f64.sub(allG.get, g.get))),
                              terms.set(
                                v128.f64Div(
                                  v128.f64Mul(terms.get, terms.get),
                                  v128.f64Add(pair(h.get, f64.sub(allH.get, h.get)), v128.f64Splat(l2.get)),
                                ),
                              ),
                              score.set(f64.add(f64.ofLane0(terms.get), f64.ofLane1(terms.get))),
                              when(f64.gt(score.get, best.get), [
                                best.set(score.get),
                                i64.store(given.found.get, v128.i64Lane0(sums.get), FOUND.gradients),
                                i64.store(given.found.get, v128.i64Lane1(sums.get), FOUND.hessians),
                                i32.store(given.found.get, feature.get, FOUND.feature),
                                i32.store(
                                  given.found.get,
                                  i32.shr(i32.sub(at.get, first.get), i32.const(4)),
                                  FOUND.bin,
                                ),
                                i32.store(given.found.get, side.get, FOUND.missingLeft),
                              ]),
                            ],
                          ),
                        ],
                        // Too few rows are left on the right, and they only get fewer.
                        [at.set(end.get)],
                      ),
                    ]),
                  ]),
                ],
                16,
              ),
              side.set(i32.add(side.get, i32.const(1))),
            ],
          ),
          list.set(i32.add(list.get, i32.const(4))),
        ]),
        f64.store(given.found.get, best.get, FOUND.score),
      ];
    },
  );

  /** A feature's bins as doubles, one array each for gradients, hessians and rows, in units of the statistics. */
  module.func(
    'unpack',
    { histogram: 'i32', bins: 'i32', shift: 'i64', gradients: 'i32', hessians: 'i32', rows: 'i32' },
    'void',
    ({ histogram, bins, shift, gradients, hessians, rows }, local) => {
      const at = local('i32');
      const end = local('i32');
      const to = local('i32');
      const packed = local('i64');
      return [
        end.set(i32.add(histogram.get, i32.shl(bins.get, i32.const(4)))),
        loopOver(
          at,
          histogram.get,
          end.get,
          [
            to.set(i32.shr(i32.sub(at.get, histogram.get), i32.const(1))),
            packed.set(i64.load(at.get, 8)),
            f64.store(i32.add(gradients.get, to.get), f64.ofI64(i64.load(at.get))),
            f64.store(i32.add(hessians.get, to.get), f64.ofI64(i64.shr(packed.get, shift.get))),
            f64.store(
              i32.add(rows.get, to.get),
              f64.ofI64(i64.and(packed.get, i64.sub(i64.shl(i64.const(1n), shift.get), i64.const(1n)))),
            ),
          ],
          16,
        ),
      ];
    },
  );
};
