/**
 * Exact Shapley values of a forest's scores: interventional TreeSHAP (Lundberg et al. 2020, algorithm 3) with columns as
 * players, however many features are made of each.
 */
import type { FeatureMatrix } from '../../prepare/matrix';
import type { ShapleyValues } from '../trained';
import { childOf, isLeaf, predictForest } from './forest';
import type { Forest, Tree } from './forest';
import { Pause } from './pause';

export interface ForestGame {
  /** Features of the rows to explain, and which output of the forest is explained of each. */
  readonly rows: FeatureMatrix;
  readonly outputs: Int32Array;
  /** Features of the rows that stand for «not known». */
  readonly background: FeatureMatrix;
  readonly players: number;
  /** The player that a feature belongs to. */
  readonly playerOf: Int32Array;
}

/** One a row, about its score. Time: rows x background rows x the leaves that a mixture of both can reach. */
export const shapValues = async (
  forest: Forest,
  game: ForestGame,
  signal: AbortSignal,
): Promise<ShapleyValues[]> => {
  const { rows, outputs, background, players } = game;
  const weights = new Weights(players);
  const known = featuresOf(rows);
  const unknown = featuresOf(background);
  const scores = unknown.map((features) => predictForest(forest, features));
  const explained = known.map((features, row): ShapleyValues => {
    const output = outputs[row];
    const base = scores.reduce((sum, score) => sum + score[output], 0) / background.rows;
    return { base, output: predictForest(forest, features)[output], values: new Float64Array(players) };
  });
  const pause = new Pause(signal);
  for (const [index, tree] of forest.trees.entries()) {
    const shares = new TreeShares(tree, game, weights);
    const from = unknown.map((features) => ways(tree, features));
    for (const [row, features] of known.entries()) {
      if (outputs[row] !== index % forest.base.length) continue;
      const to = ways(tree, features);
      for (const way of from) shares.add(explained[row].values, to, way);
      if (pause.due()) await pause.take();
    }
  }
  for (const { values } of explained) values.forEach((sum, i) => (values[i] = sum / background.rows));
  return explained;
};

const featuresOf = ({ rows, width, values }: FeatureMatrix): Float32Array[] =>
  Array.from({ length: rows }, (_, row) => values.subarray(row * width, (row + 1) * width));

/** The child that a row goes to, of every inner node; 0 of a leaf. */
const ways = (tree: Tree, features: Float32Array): Int32Array =>
  Int32Array.from(tree.left, (_, node) =>
    isLeaf(tree, node) ? 0 : childOf(tree, node, features[tree.feature[node]]),
  );

const [OPEN, KNOWN, UNKNOWN] = [0, 1, 2];

/**
 * A tree's shares for one row and one background row. The two part at some nodes; which of them a mixture follows there is
 * up to the player asked. A leaf is then reached by those mixtures that know some players and do not know others, and its
 * value is shared among just these.
 */
class TreeShares {
  private readonly player: Int32Array;
  private readonly value: Float64Array;
  /** Of each player, on the way to a node, and in order those that are not open. */
  private readonly state: Uint8Array;
  private readonly asked: Int32Array;

  constructor(
    tree: Tree,
    { players, playerOf }: ForestGame,
    private readonly weights: Weights,
  ) {
    this.player = Int32Array.from(tree.feature, (feature) => playerOf[feature]);
    this.value = Float64Array.from(tree.value);
    this.state = new Uint8Array(players);
    this.asked = new Int32Array(players);
  }

  add(into: Float64Array, row: Int32Array, background: Int32Array, node = 0, known = 0, unknown = 0): void {
    const { state, asked } = this;
    let player = 0;
    for (; row[node] !== 0; node = (state[player] === UNKNOWN ? background : row)[node]) {
      player = this.player[node];
      if (state[player] !== OPEN || row[node] === background[node]) continue;
      asked[known + unknown] = player;
      state[player] = KNOWN;
      this.add(into, row, background, row[node], known + 1, unknown);
      state[player] = UNKNOWN;
      this.add(into, row, background, background[node], known, unknown + 1);
      state[player] = OPEN;
      return;
    }
    const toKnown = this.value[node] * this.weights.of(known, unknown);
    const toUnknown = this.value[node] * this.weights.of(unknown, known);
    for (let i = 0; i < known + unknown; i++)
      if (state[asked[i]] === KNOWN) into[asked[i]] += toKnown;
      else into[asked[i]] -= toUnknown;
  }
}

/** (a - 1)! b! / (a + b)!: of all orders, the share in which one of `a` players comes after the others and before `b`. */
class Weights {
  private readonly table: Float64Array;

  constructor(private readonly players: number) {
    this.table = new Float64Array((players + 1) ** 2);
    for (let b = 0; b <= players; b++) {
      let weight = 1 / (b + 1);
      for (let a = 1; a <= players; a++) {
        this.table[a * (players + 1) + b] = weight;
        weight *= a / (a + b + 1);
      }
    }
  }

  of(a: number, b: number): number {
    return this.table[a * (this.players + 1) + b];
  }
}
