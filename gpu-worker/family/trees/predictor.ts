/** `predictForest` for many rows: the same answers from flat arrays, a tree at a time over a block of rows. */
import type { FeatureMatrix } from '../../prepare/matrix';
import { isLeaf } from './forest';
import type { Forest } from './forest';
import { Pause } from './pause';

const BLOCK_ROWS = 1024;

export class Predictor {
  private readonly roots: Int32Array;
  private readonly feature: Int32Array;
  private readonly threshold: Float32Array;
  private readonly missingLeft: Uint8Array;
  /** 0: a leaf. */
  private readonly left: Int32Array;
  private readonly right: Int32Array;
  private readonly value: Float64Array;
  private readonly categories: readonly (ReadonlySet<number> | null)[];

  constructor(private readonly forest: Forest) {
    const { trees } = forest;
    const all = trees.flatMap((tree) => tree.left.map((_, node) => ({ tree, node })));
    let next = 0;
    this.roots = Int32Array.from(trees, ({ left }) => (next += left.length) - left.length);
    const starts = trees.flatMap((tree, index) => tree.left.map(() => this.roots[index]));
    const child = (side: 'left' | 'right'): Int32Array =>
      Int32Array.from(all, ({ tree, node }, at) => (isLeaf(tree, node) ? 0 : starts[at] + tree[side][node]));
    this.left = child('left');
    this.right = child('right');
    this.feature = Int32Array.from(all, ({ tree, node }) => tree.feature[node]);
    this.threshold = Float32Array.from(all, ({ tree, node }) => tree.threshold[node]);
    this.missingLeft = Uint8Array.from(all, ({ tree, node }) => tree.missingLeft[node]);
    this.value = Float64Array.from(all, ({ tree, node }) => tree.value[node]);
    this.categories = all.map(({ tree, node }) => {
      const categories = tree.categories[node] ?? null;
      return categories === null ? null : new Set(categories);
    });
  }

  /** Scores [rows, outputs] row-major. */
  async scores(matrix: FeatureMatrix, signal: AbortSignal): Promise<Float64Array> {
    const outputs = this.forest.base.length;
    const scores = new Float64Array(matrix.rows * outputs);
    for (let at = 0; at < scores.length; at++) scores[at] = this.forest.base[at % outputs];
    const pause = new Pause(signal);
    for (let from = 0; from < matrix.rows; from += BLOCK_ROWS) {
      const to = Math.min(from + BLOCK_ROWS, matrix.rows);
      for (let tree = 0; tree < this.roots.length; tree++)
        this.addTree(matrix, this.roots[tree], from, to, scores, tree % outputs);
      if (pause.due()) await pause.take();
    }
    return scores;
  }

  private addTree(
    { values, width }: FeatureMatrix,
    root: number,
    from: number,
    to: number,
    scores: Float64Array,
    output: number,
  ): void {
    const { feature, threshold, missingLeft, left, right, value, categories } = this;
    const outputs = this.forest.base.length;
    for (let row = from; row < to; row++) {
      let node = root;
      for (;;) {
        const yes = left[node];
        if (yes === 0) break;
        const x = values[row * width + feature[node]];
        const set = categories[node] ?? null;
        const goesLeft = Number.isNaN(x)
          ? missingLeft[node] === 1
          : set === null
            ? x <= threshold[node]
            : set.has(x);
        node = goesLeft ? yes : right[node];
      }
      const at = row * outputs + output;
      scores[at] += value[node];
    }
  }
}
