/** Grows one tree leaf by leaf, the most useful split first (leaf-wise, as LightGBM and XGBoost's lossguide). */
import type { FeatureBins } from './binning';
import { GrowingTree, writeSides } from './growing-tree';
import { Histograms } from './histograms';
import { LeafSearch } from './leaf-search';
import type { Searched, Split } from './leaf-search';
import type { ForestOptions } from './learning';
import type { Pause } from './pause';
import { answer } from './split-search';
import type { Bounds } from './split-search';
import { difference, Statistics } from './statistics';
import { CHUNK_ROWS } from './workspace';
import type { Workspace } from './workspace';

class Leaf implements Searched {
  slot = -1;
  split: Split | undefined;
  constructor(
    readonly node: number,
    readonly start: number,
    readonly end: number,
    readonly depth: number,
    readonly bounds: Bounds,
    /** Sums over its rows. */
    readonly gradients: bigint,
    readonly hessians: bigint,
  ) {}
}

/** A leaf of a finished tree. */
export interface GrownLeaf {
  readonly node: number;
  /** Places in the workspace's list of rows. */
  readonly start: number;
  readonly end: number;
  readonly bounds: Bounds;
}

const FREE: Bounds = { low: -Infinity, high: Infinity };

export class Grower {
  private readonly statistics: Statistics;
  private readonly histograms: Histograms;
  private readonly search: LeafSearch;

  constructor(
    private readonly work: Workspace,
    private readonly options: ForestOptions,
    private readonly pause: Pause,
  ) {
    this.statistics = new Statistics(work);
    this.histograms = new Histograms(work, this.statistics.shift);
    this.search = new LeafSearch(work, this.statistics, this.histograms, options);
  }

  /**
   * A tree for the workspace's gradients and hessians, on the first `count` rows of its list (which it reorders) and
   * on the given features. The values of its leaves are full Newton steps, before any learning rate.
   */
  async grow(
    count: number,
    features: readonly number[],
  ): Promise<{ readonly tree: GrowingTree; readonly leaves: readonly GrownLeaf[] }> {
    const { statistics, histograms, search, options, work } = this;
    statistics.take();
    histograms.begin(features);
    search.begin(features);
    const tree = new GrowingTree();
    const leaves = [this.root(tree, count)];
    while (leaves.length < work.sizes.leaves) {
      const at = mostUseful(leaves);
      const leaf = leaves[at];
      if (leaf?.split === undefined) break;
      const last = leaves.length + 1 === work.sizes.leaves;
      const [left, right] = this.divide(tree, leaf, leaf.split, last);
      leaves[at] = left;
      leaves.push(right);
      if (this.pause.due()) await this.pause.take();
    }
    for (const leaf of leaves)
      tree.value[leaf.node] = answer(statistics.real(leaf), options.l1, options.l2, leaf.bounds);
    return { tree, leaves };
  }

  private root(tree: GrowingTree, count: number): Leaf {
    const holder = { start: 0, end: count, slot: -1 };
    this.histograms.fill(holder);
    const { gradients, hessians } = this.histograms.total(holder);
    const root = new Leaf(tree.add(count), 0, count, 0, FREE, gradients, hessians);
    root.slot = holder.slot;
    this.findSplit(root);
    return root;
  }

  private findSplit(leaf: Leaf): void {
    if (this.mayDivide(leaf)) leaf.split = this.search.find(leaf);
    if (leaf.split === undefined) this.histograms.release(leaf);
  }

  private mayDivide({ depth, start, end }: Leaf): boolean {
    const { options } = this;
    return (options.depth === 0 || depth < options.depth) && end - start >= 2 * options.leastRows;
  }

  /** `last`: the tree has all its leaves then, and nobody will ask for their splits. */
  private divide(tree: GrowingTree, leaf: Leaf, split: Split, last: boolean): [Leaf, Leaf] {
    const { histograms } = this;
    const middle = leaf.start + this.partition(leaf, split);
    const bins = this.binsOf(split.feature);
    const rows = { left: middle - leaf.start, right: leaf.end - middle };
    const [leftNode, rightNode] = tree.divide(leaf.node, split, bins, rows);
    const [leftBounds, rightBounds] = this.boundsBelow(leaf, split);
    const depth = leaf.depth + 1;
    const { gradients, hessians } = split;
    const rest = difference(leaf, split);
    const left = new Leaf(leftNode, leaf.start, middle, depth, leftBounds, gradients, hessians);
    const right = new Leaf(rightNode, middle, leaf.end, depth, rightBounds, rest.gradients, rest.hessians);
    const [small, large] = rows.left <= rows.right ? [left, right] : [right, left];
    if (!last && this.mayDivide(large)) {
      histograms.fill(small);
      histograms.inherit(large, leaf, small);
      this.findSplit(small);
      this.findSplit(large);
    }
    histograms.release(leaf);
    return [left, right];
  }

  /** Sorts the leaf's rows into those that go left and those that go right; returns how many go left. */
  private partition({ start, end }: Leaf, { feature, sides }: Split): number {
    const { work } = this;
    const { at, kernel } = work;
    const count = end - start;
    const chunks = Math.ceil(count / CHUNK_ROWS);
    const lists = {
      rows: at.rows + 4 * start,
      count,
      chunkRows: CHUNK_ROWS,
      left: at.left,
      right: at.right,
      lefts: at.lefts,
    };
    writeSides(work, at.goesLeft, this.binsOf(feature), sides);
    const column = at.columns + feature * work.sizes.rows;
    kernel.run('separate', chunks, { ...lists, goesLeft: at.goesLeft, column });
    const { words } = kernel;
    let leftRows = 0;
    for (let chunk = 0; chunk < chunks; chunk++) leftRows += words[at.lefts / 4 + chunk];
    let leftStart = 0;
    for (let chunk = 0; chunk < chunks; chunk++) {
      words[at.leftStarts / 4 + chunk] = leftStart;
      words[at.rightStarts / 4 + chunk] = leftRows + chunk * CHUNK_ROWS - leftStart;
      leftStart += words[at.lefts / 4 + chunk];
    }
    kernel.run('join', chunks, { ...lists, leftStarts: at.leftStarts, rightStarts: at.rightStarts });
    return leftRows;
  }

  /** The answers on the two sides of a constrained split stay on their side of the middle between them. */
  private boundsBelow(leaf: Leaf, split: Split): [Bounds, Bounds] {
    const { l1, l2, monotone } = this.options;
    const direction = this.binsOf(split.feature).kind === 'number' ? (monotone[split.feature] ?? 0) : 0;
    if (direction === 0) return [leaf.bounds, leaf.bounds];
    const answerOf = (side: { gradients: bigint; hessians: bigint }): number =>
      answer(this.statistics.real(side), l1, l2, leaf.bounds);
    const middle = (answerOf(split) + answerOf(difference(leaf, split))) / 2;
    const below = { ...leaf.bounds, high: middle };
    const above = { ...leaf.bounds, low: middle };
    return direction > 0 ? [below, above] : [above, below];
  }

  private binsOf(feature: number): FeatureBins {
    const bins = this.work.bins[feature];
    if (bins === undefined) throw new Error(`no feature ${feature}`);
    return bins;
  }
}

const mostUseful = (leaves: readonly Leaf[]): number => {
  let best = -1;
  let gain = 0;
  leaves.forEach(({ split }, index) => {
    if (split === undefined || (best >= 0 && split.gain <= gain)) return;
    best = index;
    gain = split.gain;
  });
  return best;
};
