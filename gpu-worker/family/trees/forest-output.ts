/** A forest as one ONNX node. */
import { op, vector } from '../../../onnx';
import type { Value } from '../../../onnx';
import { isLeaf } from './forest';
import type { Forest, Tree } from './forest';

/** Codes of categories are not negative. */
const NO_CATEGORY = -1;
const LEAF = -1;

/**
 * [rows, features] float32, missing values NaN, categories as codes -> [rows, outputs] scores. Every value takes the
 * way that it took in training; only the sum over the trees is rounded to float32.
 */
export const forestOutput =
  (forest: Forest) =>
  (features: Value): Value => {
    const outputs = forest.base.length;
    const nodes = new Nodes();
    forest.trees.forEach((tree, index) => nodes.addTree(tree, index, index % outputs));
    // The operator needs a tree.
    if (forest.trees.length === 0) nodes.add(0, { value: 0, output: 0 });
    return op.Add(op.TreeEnsembleRegressor(features, nodes, outputs), vector(forest.base));
  };

interface Entry {
  readonly feature: number;
  readonly threshold: number;
  readonly equal: boolean;
  readonly yes: number;
  readonly no: number;
  readonly missingYes: boolean;
  readonly value: number;
  readonly output: number;
}

class Nodes implements op.TreeNodes {
  readonly tree: number[] = [];
  readonly feature: number[] = [];
  readonly threshold: number[] = [];
  readonly equal: number[] = [];
  readonly yes: number[] = [];
  readonly no: number[] = [];
  readonly missingYes: number[] = [];
  readonly value: number[] = [];
  readonly output: number[] = [];

  /** A leaf unless it has children. */
  add(tree: number, entry: Partial<Entry>): void {
    this.tree.push(tree);
    this.feature.push(entry.feature ?? 0);
    this.threshold.push(entry.threshold ?? 0);
    this.equal.push(entry.equal === true ? 1 : 0);
    this.yes.push(entry.yes ?? LEAF);
    this.no.push(entry.no ?? LEAF);
    this.missingYes.push(entry.missingYes === true ? 1 : 0);
    this.value.push(entry.value ?? 0);
    this.output.push(entry.output ?? 0);
  }

  addTree(tree: Tree, index: number, output: number): void {
    const places = placesOf(tree, this.tree.length);
    const placeOf = (node: number | undefined): number => places[node ?? 0] ?? 0;
    tree.left.forEach((left, node) => {
      if (isLeaf(tree, node)) {
        this.add(index, { value: tree.value[node], output });
        return;
      }
      const feature = tree.feature[node];
      const [yes, no] = [placeOf(left), placeOf(tree.right[node])];
      const missingYes = tree.missingLeft[node] === 1;
      if (!tree.categories[node]) {
        this.add(index, { feature, threshold: tree.threshold[node], yes, no, missingYes });
        return;
      }
      // Is it the first of the set, or else the next, or else ...
      testsOf(tree, node).forEach((threshold, at, { length }) =>
        this.add(index, {
          feature,
          threshold,
          equal: true,
          yes,
          no: at === length - 1 ? no : this.tree.length + 1,
          missingYes: missingYes && at === 0,
        }),
      );
    });
  }
}

/** Codes that a node asks for, one test each. */
const testsOf = (tree: Tree, node: number): readonly number[] => {
  const categories = tree.categories[node] ?? [];
  return categories.length > 0 ? categories : [NO_CATEGORY];
};

/** Where the nodes of a tree stand among all: a set takes a place for each of its tests. */
const placesOf = (tree: Tree, start: number): readonly number[] => {
  let next = start;
  return tree.left.map((_, node) => {
    const place = next;
    next += !isLeaf(tree, node) && tree.categories[node] ? testsOf(tree, node).length : 1;
    return place;
  });
};
