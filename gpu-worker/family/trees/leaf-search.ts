/** The best split of a leaf over all features that a tree may use. */
import type { Histograms } from './histograms';
import { FOUND } from './kernel/split';
import type { ForestOptions } from './learning';
import { goesLeft, searchFeature } from './split-search';
import type { Bounds, FeatureHistogram, Sides } from './split-search';
import type { Packed, Statistics } from './statistics';
import type { Workspace } from './workspace';

/** `gradients` and `hessians` are those of the left side. */
export interface Split extends Packed {
  readonly gain: number;
  readonly feature: number;
  readonly sides: Sides;
}

export interface Searched extends Packed {
  readonly start: number;
  readonly end: number;
  readonly bounds: Bounds;
  slot: number;
}

export class LeafSearch {
  /** Numeric features that the kernel searches, and those that need the slow search. */
  private fast: readonly number[] = [];
  private slow: readonly number[] = [];
  private readonly unconstrained: boolean;
  private readonly unpacked: FeatureHistogram;
  private readonly found: DataView;

  constructor(
    private readonly work: Workspace,
    private readonly statistics: Statistics,
    private readonly histograms: Histograms,
    private readonly options: ForestOptions,
  ) {
    this.unconstrained = options.l1 === 0 && options.monotone.every((direction) => direction === 0);
    const { unpacked } = work.at;
    this.unpacked = {
      gradients: work.float64(unpacked, 256),
      hessians: work.float64(unpacked + 2048, 256),
      rows: work.float64(unpacked + 4096, 256),
    };
    this.found = new DataView(work.kernel.buffer, work.at.found);
  }

  /** For a new tree that looks at these features. */
  begin(features: readonly number[]): void {
    const isFast = (feature: number): boolean =>
      this.unconstrained && this.work.bins[feature]?.kind === 'number';
    this.fast = features.filter(isFast);
    this.slow = features.filter((feature) => !isFast(feature));
    this.work.int32(this.work.at.list, this.fast.length).set(this.fast);
  }

  find(leaf: Searched): Split | undefined {
    let best = this.fast.length > 0 ? this.findFast(leaf) : undefined;
    for (const feature of this.slow) best = this.findSlow(leaf, feature, best) ?? best;
    return best;
  }

  private findFast(leaf: Searched): Split | undefined {
    const { work, options, found } = this;
    const { gradientScale, hessianScale, shift } = this.statistics;
    const l2 = options.l2 * hessianScale;
    const unit = gradientScale ** 2 / hessianScale;
    const parent = Number(leaf.gradients) ** 2 / (Number(leaf.hessians >> BigInt(shift)) + l2);
    work.kernel.call.split(
      this.histograms.address(leaf),
      work.at.list,
      work.at.list + 4 * this.fast.length,
      work.at.binCounts,
      leaf.gradients,
      leaf.hessians,
      BigInt(shift),
      l2,
      Math.max(1, options.leastHessian * hessianScale),
      BigInt(options.leastRows),
      // The rounding of a sum is no gain.
      (parent + options.leastGain * unit) * (1 + 1e-12),
      work.at.found,
    );
    const feature = found.getInt32(FOUND.feature, true);
    if (feature < 0) return undefined;
    return this.towardsMost(leaf, {
      gain: (found.getFloat64(FOUND.score, true) - parent) / unit,
      feature,
      sides: {
        kind: 'number',
        last: found.getInt32(FOUND.bin, true),
        missingLeft: found.getInt32(FOUND.missingLeft, true) === 1,
      },
      gradients: found.getBigInt64(FOUND.gradients, true),
      hessians: found.getBigInt64(FOUND.hessians, true),
    });
  }

  private findSlow(leaf: Searched, feature: number, best: Split | undefined): Split | undefined {
    const { work, options, statistics, unpacked } = this;
    const bins = work.bins[feature];
    if (bins === undefined) return undefined;
    const used = Math.min(256, bins.count + 2);
    const at = work.at.unpacked;
    const from = this.histograms.address(leaf, feature);
    work.kernel.call.unpack(from, used, BigInt(statistics.shift), at, at + 2048, at + 4096);
    for (let bin = 0; bin < used; bin++) {
      unpacked.gradients[bin] /= statistics.gradientScale;
      unpacked.hessians[bin] /= statistics.hessianScale;
    }
    const split = searchFeature(
      {
        bins,
        histogram: unpacked,
        leaf: statistics.real(leaf),
        bounds: leaf.bounds,
        direction: options.monotone[feature] ?? 0,
        toBeat: best?.gain ?? options.leastGain,
      },
      options,
    );
    if (split === undefined) return undefined;
    const sums = this.histograms.sums(leaf, feature, (bin) => goesLeft(split.sides, bins, bin));
    return this.towardsMost(leaf, { ...split, ...sums, feature });
  }

  /** A number that was never missing among these rows goes, when it is, where most of them go. */
  private towardsMost(leaf: Searched, split: Split): Split {
    const { sides, feature } = split;
    if (sides.kind === 'category') return split;
    if (this.histograms.holds(leaf, feature, this.work.bins[feature].count)) return split;
    const missingLeft = 2 * this.statistics.real(split).rows >= leaf.end - leaf.start;
    return { ...split, sides: { ...sides, missingLeft } };
  }
}
