import { permutation, randomKey, randomUnit } from '../../../onnx';
import type { op } from '../../../onnx';

type TreeNodes = op.TreeNodes;
import type { FeatureMatrix } from '../../prepare/matrix';

type Arrays = { -readonly [K in keyof Required<Omit<TreeNodes, 'equal'>>]: number[] };

/** Mean path length of an unsuccessful search in a binary tree of n rows (Liu et al. 2008, equation 1). */
export const meanPath = (rows: number): number =>
  rows < 2 ? 0 : rows === 2 ? 1 : 2 * (Math.log(rows - 1) + 0.5772156649015329) - (2 * (rows - 1)) / rows;

/**
 * Trees of random cuts, each on rows of its own; the value of a leaf is the path length to it divided by the number of
 * trees, so that their sum is the mean. Missing values (NaN) go with the smaller ones.
 */
export const growIsolationTrees = (
  matrix: FeatureMatrix,
  { trees, sample, seed }: { trees: number; sample: number; seed: number },
): TreeNodes => {
  const arrays: Arrays = {
    tree: [],
    feature: [],
    threshold: [],
    yes: [],
    no: [],
    missingYes: [],
    value: [],
    output: [],
  };
  const depthLimit = Math.ceil(Math.log2(Math.max(2, sample)));
  for (let tree = 0; tree < trees; tree++) {
    const key = randomKey(seed, 0x1f02e57, tree);
    const rows = drawn(matrix.rows, Math.min(sample, matrix.rows), key);
    new Tree(matrix, arrays, { tree, key, depthLimit, share: 1 / trees }).grow(rows, 0);
  }
  return arrays;
};

/** `count` different rows: all of a small table in random order, else draws without repetition. */
const drawn = (rows: number, count: number, key: number): Int32Array => {
  if (rows <= 4 * count) return permutation(rows, key, 0).slice(0, count);
  const seen = new Set<number>();
  for (let counter = 0; seen.size < count; counter++)
    seen.add(Math.floor(randomUnit(randomKey(key, counter), 0) * rows));
  return Int32Array.from(seen);
};

class Tree {
  private draws = 0;

  constructor(
    private readonly matrix: FeatureMatrix,
    private readonly nodes: Arrays,
    private readonly of: { tree: number; key: number; depthLimit: number; share: number },
  ) {}

  /** Adds the subtree of `rows`; answers the position of its root. */
  grow(rows: Int32Array, depth: number): number {
    const at = this.add();
    const cut = depth < this.of.depthLimit && rows.length > 1 ? this.cut(rows) : undefined;
    if (cut === undefined) {
      this.nodes.value[at] = (depth + meanPath(rows.length)) * this.of.share;
      return at;
    }
    const { feature, threshold } = cut;
    const goesYes = (row: number): boolean => !(this.cell(row, feature) > threshold);
    this.nodes.feature[at] = feature;
    this.nodes.threshold[at] = threshold;
    this.nodes.yes[at] = this.grow(rows.filter(goesYes), depth + 1);
    this.nodes.no[at] = this.grow(
      rows.filter((row) => !goesYes(row)),
      depth + 1,
    );
    return at;
  }

  private add(): number {
    const { nodes } = this;
    nodes.tree.push(this.of.tree);
    nodes.feature.push(0);
    nodes.threshold.push(0);
    nodes.yes.push(-1);
    nodes.no.push(-1);
    nodes.missingYes.push(1);
    nodes.value.push(0);
    nodes.output.push(0);
    return nodes.tree.length - 1;
  }

  /** A random feature that differs among the rows, cut at a random place between its extremes. */
  private cut(rows: Int32Array): { feature: number; threshold: number } | undefined {
    const { width } = this.matrix;
    const start = Math.floor(this.draw() * width);
    for (let tried = 0; tried < width; tried++) {
      const feature = (start + tried) % width;
      let [low, high] = [Infinity, -Infinity];
      for (const row of rows) {
        const value = this.cell(row, feature);
        if (value < low) low = value;
        if (value > high) high = value;
      }
      if (!(high > low)) continue;
      const threshold = Math.fround(low + this.draw() * (high - low));
      // Rounding must not put the cut on the upper end, where it would part nothing.
      return { feature, threshold: threshold < high ? threshold : low };
    }
    return undefined;
  }

  private cell(row: number, feature: number): number {
    return this.matrix.values[row * this.matrix.width + feature];
  }

  private draw(): number {
    return randomUnit(this.of.key, ++this.draws);
  }
}
