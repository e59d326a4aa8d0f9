/** Exact Shapley values of a forest (Lundberg et al. 2018, algorithm 2: path-dependent TreeSHAP). */
import { childOf, isLeaf } from './forest';
import type { Forest, Tree } from './forest';

export interface ShapValues {
  /** Mean score over the training rows, as the trees saw them, one an output. */
  readonly expected: Float64Array;
  /** One array an output: what each feature adds; together with `expected` they are the score. */
  readonly values: readonly Float64Array[];
}

/** One feature of the path from the root: shares of the ways through it when it is unknown and when it is known. */
interface Step {
  feature: number;
  zero: number;
  one: number;
  /** Weight of the subsets of this size. */
  weight: number;
}

/** `row`: one value a feature. Time: trees x leaves x depth². */
export const shapValues = (forest: Forest, row: ArrayLike<number>): ShapValues => {
  const expected = Float64Array.from(forest.base);
  const values = forest.base.map(() => new Float64Array(forest.features));
  forest.trees.forEach((tree, index) => {
    const output = index % forest.base.length;
    expected[output] += expectation(tree, 0);
    const into = values[output];
    if (into !== undefined) descend(tree, row, into, 0, [], 1, 1, -1);
  });
  return { expected, values };
};

const expectation = (tree: Tree, node: number): number => {
  if (isLeaf(tree, node)) return tree.value[node];
  let sum = 0;
  for (const child of [tree.left[node], tree.right[node]])
    sum += shareOf(tree, node, child) * expectation(tree, child);
  return sum;
};

const shareOf = (tree: Tree, node: number, child: number): number => tree.cover[child] / tree.cover[node];

const descend = (
  tree: Tree,
  row: ArrayLike<number>,
  into: Float64Array,
  node: number,
  above: readonly Step[],
  zero: number,
  one: number,
  feature: number,
): void => {
  let path = extended(above, zero, one, feature);
  if (isLeaf(tree, node)) {
    for (let at = 1; at < path.length; at++) {
      const step = path[at];
      if (step === undefined) continue;
      const share = unwound(path, at).reduce((sum, { weight }) => sum + weight, 0);
      into[step.feature] += share * (step.one - step.zero) * tree.value[node];
    }
    return;
  }
  const asked = tree.feature[node];
  const taken = childOf(tree, node, row[asked]);
  const other = taken === tree.left[node] ? tree.right[node] : tree.left[node];
  // A feature that was asked before counts once: its step is taken back and multiplied with this one.
  const before = path.findIndex((step, at) => at > 0 && step.feature === asked);
  const earlier = path[before];
  const [earlierZero, earlierOne] = earlier === undefined ? [1, 1] : [earlier.zero, earlier.one];
  if (earlier !== undefined) path = unwound(path, before);
  descend(tree, row, into, taken, path, earlierZero * shareOf(tree, node, taken), earlierOne, asked);
  descend(tree, row, into, other, path, earlierZero * shareOf(tree, node, other), 0, asked);
};

const extended = (above: readonly Step[], zero: number, one: number, feature: number): Step[] => {
  const path = above.map((step) => ({ ...step }));
  const length = path.length;
  path.push({ feature, zero, one, weight: length === 0 ? 1 : 0 });
  for (let at = length - 1; at >= 0; at--) {
    const step = path[at];
    const next = path[at + 1];
    if (step === undefined || next === undefined) continue;
    next.weight += (one * step.weight * (at + 1)) / (length + 1);
    step.weight = (zero * step.weight * (length - at)) / (length + 1);
  }
  return path;
};

/** The path as it would be without its step number `index`. */
const unwound = (path: readonly Step[], index: number): Step[] => {
  const length = path.length - 1;
  const { zero, one } = path[index] ?? { zero: 1, one: 1 };
  const weights = path.map(({ weight }) => weight);
  let carried = weights[length] ?? 0;
  for (let at = length - 1; at >= 0; at--) {
    const weight = weights[at] ?? 0;
    if (one !== 0) {
      weights[at] = (carried * (length + 1)) / ((at + 1) * one);
      carried = weight - ((weights[at] ?? 0) * zero * (length - at)) / (length + 1);
    } else weights[at] = (weight * (length + 1)) / (zero * (length - at));
  }
  const kept: Step[] = [];
  for (let at = 0; at < length; at++) {
    const step = path[at < index ? at : at + 1];
    if (step !== undefined) kept.push({ ...step, weight: weights[at] ?? 0 });
  }
  return kept;
};
