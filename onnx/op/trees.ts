import { GraphError } from '../errors';
import { dimAt, requireDtype, requireRank } from '../shape';
import { node1, type Attribute, type Value } from '../value';

/**
 * Trees as parallel arrays, one entry a node, the nodes of a tree together and its root first. An inner node sends a row to
 * `yes` where feature <= threshold (or = threshold), else to `no`; both are positions in these arrays. Nodes may share
 * a child, as the tests of a set of categories do.
 */
export interface TreeNodes {
  /** Which tree a node belongs to, rising from 0. */
  readonly tree: ArrayLike<number>;
  readonly feature: ArrayLike<number>;
  /** Compared as float32. */
  readonly threshold: ArrayLike<number>;
  /** -1: a leaf. */
  readonly yes: ArrayLike<number>;
  readonly no: ArrayLike<number>;
  /** 1: a missing value (NaN) goes to `yes`. */
  readonly missingYes: ArrayLike<number>;
  /** 1: the test is equality, for categories. */
  readonly equal?: ArrayLike<number>;
  /** Of a leaf: what it adds, and to which of the outputs. */
  readonly value: ArrayLike<number>;
  readonly output: ArrayLike<number>;
}

/**
 * Sum over all trees of the value of the leaf that a row falls into, [rows, features] float32 -> [rows, outputs]
 * (ai.onnx.ml 3). What the outputs start from is added outside: onnxruntime leaves `base_values` out where no leaf has
 * a say in an output.
 */
export const TreeEnsembleRegressor = (x: Value, trees: TreeNodes, outputs: number): Value => {
  requireDtype('TreeEnsembleRegressor', 'the input', x, ['float32']);
  requireRank('TreeEnsembleRegressor', 'the input', x, 2);
  const count = trees.tree.length;
  if (count === 0) throw new GraphError('TreeEnsembleRegressor: needs a node');
  const features = dimAt('TreeEnsembleRegressor', x.shape, 1);
  const all = Array.from({ length: count }, (_, at) => at);
  const of = (values: ArrayLike<number>, at: number): number => values[at] ?? 0;
  const first = new Map<number, number>();
  for (const at of all) if (!first.has(of(trees.tree, at))) first.set(of(trees.tree, at), at);
  // Nodes are numbered within their tree.
  const number = (at: number): number => at - (first.get(of(trees.tree, at)) ?? 0);
  const isLeaf = (at: number): boolean => of(trees.yes, at) < 0;
  for (const at of all) {
    if (isLeaf(at)) {
      const output = of(trees.output, at);
      if (!(output >= 0 && output < outputs))
        throw new GraphError(`TreeEnsembleRegressor: leaf ${at} adds to output ${output} of ${outputs}`);
      continue;
    }
    const feature = of(trees.feature, at);
    if (typeof features === 'number' && !(feature >= 0 && feature < features))
      throw new GraphError(`TreeEnsembleRegressor: node ${at} asks for feature ${feature} of ${features}`);
    for (const next of [of(trees.yes, at), of(trees.no, at)])
      if (next <= at || next >= count || of(trees.tree, next) !== of(trees.tree, at))
        throw new GraphError(
          `TreeEnsembleRegressor: node ${at} leads to ${next}, which is no later node of its tree`,
        );
  }
  const ints = (value: (at: number) => number, over = all): Attribute => ({
    type: 'ints',
    value: over.map(value),
  });
  const floats = (value: (at: number) => number, over = all): Attribute => ({
    type: 'floats',
    value: over.map((at) => Math.fround(value(at))),
  });
  const mode = (at: number): string =>
    isLeaf(at) ? 'LEAF' : trees.equal !== undefined && of(trees.equal, at) === 1 ? 'BRANCH_EQ' : 'BRANCH_LEQ';
  const leaves = all.filter(isLeaf);
  return node1(
    'TreeEnsembleRegressor',
    [x],
    { dtype: 'float32', shape: [dimAt('TreeEnsembleRegressor', x.shape, 0), outputs] },
    {
      nodes_treeids: ints((at) => of(trees.tree, at)),
      nodes_nodeids: ints(number),
      nodes_featureids: ints((at) => (isLeaf(at) ? 0 : of(trees.feature, at))),
      nodes_values: floats((at) => (isLeaf(at) ? 0 : of(trees.threshold, at))),
      nodes_modes: { type: 'strings', value: all.map(mode) },
      nodes_truenodeids: ints((at) => (isLeaf(at) ? 0 : number(of(trees.yes, at)))),
      nodes_falsenodeids: ints((at) => (isLeaf(at) ? 0 : number(of(trees.no, at)))),
      nodes_missing_value_tracks_true: ints((at) => (isLeaf(at) ? 0 : of(trees.missingYes, at))),
      target_treeids: ints((at) => of(trees.tree, at), leaves),
      target_nodeids: ints(number, leaves),
      target_ids: ints((at) => of(trees.output, at), leaves),
      target_weights: floats((at) => of(trees.value, at), leaves),
      n_targets: { type: 'int', value: outputs },
      aggregate_function: { type: 'string', value: 'SUM' },
      post_transform: { type: 'string', value: 'NONE' },
    },
    'ai.onnx.ml',
  );
};
