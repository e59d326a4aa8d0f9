/**
 * The best split of one feature where the kernel's fast search does not do: categories, monotone constraints, bounds on
 * the answer, and an l1 penalty.
 */
import type { FeatureBins } from './binning';
import type { ForestOptions } from './learning';
import type { Sums } from './statistics';

/** What a leaf may answer, from the monotone constraints above it. */
export interface Bounds {
  readonly low: number;
  readonly high: number;
}

/** Histogram of a feature in real units: value bins, then missing values, then other categories. */
export interface FeatureHistogram {
  readonly gradients: Float64Array;
  readonly hessians: Float64Array;
  readonly rows: Float64Array;
}

/** Which bins go left: of a number those up to `last`, of a category those of `bins` (missing values are one of them). */
export type Sides =
  | { readonly kind: 'number'; readonly last: number; readonly missingLeft: boolean }
  | { readonly kind: 'category'; readonly bins: ReadonlySet<number> };

export const goesLeft = (sides: Sides, { count }: FeatureBins, bin: number): boolean => {
  if (sides.kind === 'category') return sides.bins.has(bin);
  return bin === count ? sides.missingLeft : bin <= sides.last;
};

interface FeatureSplit {
  readonly gain: number;
  readonly sides: Sides;
}

/** The best answer of a leaf within its bounds, before the learning rate. */
export const answer = (
  { gradients, hessians }: Sums,
  l1: number,
  l2: number,
  { low, high }: Bounds,
): number => {
  const shrunk = Math.sign(gradients) * Math.max(0, Math.abs(gradients) - l1);
  return Math.min(high, Math.max(low, -shrunk / (hessians + l2)));
};

/** Twice what the answer lowers the loss by (second order). */
export const scoreOf = (sums: Sums, l1: number, l2: number, bounds: Bounds): number => {
  const value = answer(sums, l1, l2, bounds);
  return -(2 * sums.gradients * value + 2 * l1 * Math.abs(value) + (sums.hessians + l2) * value * value);
};

/** Categories of a set at most (LightGBM's max_cat_threshold): larger sets remember the training rows. */
const MOST_CATEGORIES = 32;
/** Up to here the categories need no regularisation of their own (LightGBM's max_cat_to_onehot). */
const FEW_CATEGORIES = 4;

class Search {
  gain: number;
  best: { readonly end: number; readonly start: number; readonly missingLeft: boolean } | undefined;

  constructor(
    private readonly leaf: Sums,
    private readonly options: ForestOptions,
    private readonly l2: number,
    private readonly bounds: Bounds,
    private readonly direction: number,
    private readonly parentScore: number,
    toBeat: number,
  ) {
    this.gain = toBeat;
  }

  /** Judges the split with these sums on the left. */
  offer(
    gradients: number,
    hessians: number,
    rows: number,
    start: number,
    end: number,
    missingLeft: boolean,
  ): void {
    const { leaf, options, l2, bounds } = this;
    if (rows < options.leastRows || leaf.rows - rows < options.leastRows) return;
    const rest = leaf.hessians - hessians;
    if (!(Math.min(hessians, rest) > 0) || Math.min(hessians, rest) < options.leastHessian) return;
    const left = { gradients, hessians, rows };
    const right = { gradients: leaf.gradients - gradients, hessians: rest, rows: leaf.rows - rows };
    if (this.direction !== 0) {
      const step = answer(right, options.l1, l2, bounds) - answer(left, options.l1, l2, bounds);
      if (step * this.direction < 0) return;
    }
    const gain =
      scoreOf(left, options.l1, l2, bounds) + scoreOf(right, options.l1, l2, bounds) - this.parentScore;
    if (!(gain > this.gain)) return;
    this.gain = gain;
    this.best = { start, end, missingLeft };
  }
}

export interface SearchPlace {
  readonly bins: FeatureBins;
  readonly histogram: FeatureHistogram;
  readonly leaf: Sums;
  readonly bounds: Bounds;
  /** -1, 0, 1. */
  readonly direction: number;
  /** The gain that a split must exceed. */
  readonly toBeat: number;
}

export const searchFeature = (place: SearchPlace, options: ForestOptions): FeatureSplit | undefined =>
  place.bins.kind === 'category' ? searchCategories(place, options) : searchNumber(place, options);

const searchNumber = (place: SearchPlace, options: ForestOptions): FeatureSplit | undefined => {
  const { bins, histogram, leaf, bounds } = place;
  const { count } = bins;
  const parent = scoreOf(leaf, options.l1, options.l2, bounds);
  const search = new Search(leaf, options, options.l2, bounds, place.direction, parent, place.toBeat);
  for (const missingLeft of histogram.rows[count] > 0 ? [false, true] : [false]) {
    let gradients = missingLeft ? histogram.gradients[count] : 0;
    let hessians = missingLeft ? histogram.hessians[count] : 0;
    let rows = missingLeft ? histogram.rows[count] : 0;
    for (let bin = 0; bin < count; bin++) {
      if (histogram.rows[bin] === 0) continue;
      gradients += histogram.gradients[bin];
      hessians += histogram.hessians[bin];
      rows += histogram.rows[bin];
      search.offer(gradients, hessians, rows, 0, bin, missingLeft);
    }
  }
  const { best } = search;
  if (best === undefined) return undefined;
  return {
    gain: search.gain,
    sides: { kind: 'number', last: best.end, missingLeft: best.missingLeft },
  };
};

/**
 * Sorted by gradient over hessian, the best set of categories is a prefix (Fisher 1958); a set from either end goes
 * left, everything else, unseen categories too, goes right.
 */
const searchCategories = (place: SearchPlace, options: ForestOptions): FeatureSplit | undefined => {
  const { bins, histogram, leaf, bounds } = place;
  const few = bins.count <= FEW_CATEGORIES;
  const smoothing = few ? 0 : options.categorySmoothing;
  const l2 = options.l2 + (few ? 0 : options.categoryL2);
  const ratio = (bin: number): number => histogram.gradients[bin] / (histogram.hessians[bin] + smoothing);
  // Bin `count`, missing values, is a category like the others.
  const order = Array.from({ length: bins.count + 1 }, (_, bin) => bin)
    .filter((bin) => histogram.rows[bin] > 0)
    .sort((a, b) => ratio(a) - ratio(b) || a - b);
  const parent = scoreOf(leaf, options.l1, options.l2, bounds);
  const search = new Search(leaf, options, l2, bounds, 0, parent, place.toBeat);
  for (const step of [1, -1]) {
    let gradients = 0;
    let hessians = 0;
    let rows = 0;
    for (let taken = 0; taken < Math.min(order.length, MOST_CATEGORIES); taken++) {
      const at = step === 1 ? taken : order.length - 1 - taken;
      const bin = order[at];
      gradients += histogram.gradients[bin];
      hessians += histogram.hessians[bin];
      rows += histogram.rows[bin];
      search.offer(gradients, hessians, rows, step === 1 ? 0 : at, step === 1 ? at : order.length - 1, false);
    }
  }
  const { best } = search;
  if (best === undefined) return undefined;
  const left = new Set(order.slice(best.start, best.end + 1));
  return { gain: search.gain, sides: { kind: 'category', bins: left } };
};
