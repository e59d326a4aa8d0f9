/** A trained forest as plain data, and what it answers: the reference that the exported graph is compared with. */

/**
 * Arrays over the nodes of one tree; node 0 is the root, children come after their parent. A leaf has no left child
 * (0). All thresholds and values are float32 numbers.
 */
export interface Tree {
  readonly feature: readonly number[];
  /** A number goes left when it is at most this. */
  readonly threshold: readonly number[];
  /** A category goes left when its code is among these, else right; null for a number. */
  readonly categories: readonly (readonly number[] | null)[];
  /** 1 when a missing value goes left. */
  readonly missingLeft: readonly number[];
  readonly left: readonly number[];
  readonly right: readonly number[];
  /** What a leaf adds to the score. */
  readonly value: readonly number[];
  /** Training rows that came by. */
  readonly cover: readonly number[];
  /** How much the split lowered the loss (second-order approximation); 0 for a leaf. */
  readonly gain: readonly number[];
}

export interface Forest {
  readonly features: number;
  /** Scores before any tree, one an output; tree t adds to output t % base.length. */
  readonly base: readonly number[];
  readonly trees: readonly Tree[];
}

/** Which child of an inner node the value goes to. Values are compared as float32, as the exported graph does. */
export const childOf = (tree: Tree, node: number, value: number): number => {
  const categories = tree.categories[node] ?? null;
  let goesLeft: boolean;
  if (Number.isNaN(value)) goesLeft = tree.missingLeft[node] === 1;
  else if (categories !== null) goesLeft = categories.includes(value);
  else goesLeft = Math.fround(value) <= tree.threshold[node];
  return (goesLeft ? tree.left[node] : tree.right[node]) ?? 0;
};

export const isLeaf = (tree: Tree, node: number): boolean => tree.left[node] === 0;

/** The leaf where a row ends. `row`: one value a feature. */
export const leafOf = (tree: Tree, row: ArrayLike<number>): number => {
  let node = 0;
  while (!isLeaf(tree, node)) node = childOf(tree, node, row[tree.feature[node]]);
  return node;
};

/** Scores of one row, one an output: before a sigmoid, a softmax or an exponential. */
export const predictForest = (forest: Forest, row: ArrayLike<number>): Float64Array => {
  const scores = Float64Array.from(forest.base);
  forest.trees.forEach((tree, index) => {
    const output = index % scores.length;
    scores[output] += tree.value[leafOf(tree, row)];
  });
  return scores;
};

/** Total gain of the splits on each feature, as shares of 1. */
export const gainImportance = (forest: Forest): number[] => {
  const totals = new Array<number>(forest.features).fill(0);
  for (const tree of forest.trees)
    tree.gain.forEach((gain, node) => {
      const feature = tree.feature[node];
      totals[feature] += gain;
    });
  const sum = totals.reduce((all, one) => all + one, 0);
  return sum > 0 ? totals.map((total) => total / sum) : totals;
};
