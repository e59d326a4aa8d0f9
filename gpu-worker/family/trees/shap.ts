/**
 * Exact Shapley values of a forest's scores: interventional TreeSHAP (Lundberg et al. 2020, algorithm 3) with columns as
 * players, however many features are made of each, and also where a feature is made of two.
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
  /** The player that a feature belongs to; of a joint one the first. */
  readonly playerOf: Int32Array;
  readonly joint: readonly JointFeature[];
}

/** A feature that is made of the columns of two players. */
export interface JointFeature {
  readonly feature: number;
  /** The second player. */
  readonly second: number;
  /**
   * What it is when one of the players is known and the other is not, of row i and background row j at
   * i * background.rows + j.
   */
  readonly firstKnown: Float32Array;
  readonly secondKnown: Float32Array;
}

/**
 * Leaves that may be shared, 20 to 30 s of work. Joint features have a leaf shared once for each manner in which their
 * players' answers lead to it: on real data that is little more than without them, but nothing in their nature bounds it.
 */
const MOST_SHARES = 100_000_000;

/**
 * One a row, about its score; undefined where more than `most` leaves would have to be shared. Time: rows x background rows x
 * the leaves that a mixture of both can reach.
 */
export const shapValues = async (
  forest: Forest,
  game: ForestGame,
  signal: AbortSignal,
  most = MOST_SHARES,
): Promise<ShapleyValues[] | undefined> => {
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
  let left = most;
  for (const [index, tree] of forest.trees.entries()) {
    const shares = new TreeShares(tree, game, weights);
    const backgroundWays = unknown.map((features) => ways(tree, features));
    for (const [at, features] of known.entries()) {
      if (outputs[at] !== index % forest.base.length) continue;
      const { values: into } = explained[at];
      const row = ways(tree, features);
      for (const [from, way] of backgroundWays.entries())
        left -= shares.add({ into, row, background: way, pair: at * background.rows + from });
      if (left < 0) return undefined;
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

/** A row and a background row in one tree. */
interface Meeting {
  /** Where the row's shares are added to. */
  readonly into: Float64Array;
  /** The child that each of the two goes to, of every inner node. */
  readonly row: Int32Array;
  readonly background: Int32Array;
  /** Place of the two in what is known of joint features. */
  readonly pair: number;
}

const [OPEN, KNOWN, UNKNOWN] = [0, 1, 2];
const NOBODY = -1;
const NONE = new Float32Array(0);

/**
 * A tree's shares for one row and one background row. At some nodes it is up to a player which of the two a mixture follows,
 * and at those of a joint feature up to two: each is asked when a way first depends on it. A leaf is then reached by those
 * mixtures that know some players and do not know others, and its value is shared among just these. Answers to two players
 * can lead to one leaf in more than one manner, each with shares of its own: no mixture belongs to two of them.
 */
class TreeShares {
  /** The players of each inner node: one, twice, or the two of a joint feature. */
  private readonly first: Int32Array;
  private readonly second: Int32Array;
  /** Of each node of a joint feature, what it is by pair. */
  private readonly firstKnown: readonly Float32Array[];
  private readonly secondKnown: readonly Float32Array[];
  private readonly value: Float64Array;
  /** Of each player, on the way to a node, and in order those that are not open. */
  private readonly state: Uint8Array;
  private readonly asked: Int32Array;

  constructor(
    private readonly tree: Tree,
    { players, playerOf, joint }: ForestGame,
    private readonly weights: Weights,
  ) {
    const of = tree.feature.map((feature) => joint.find((one) => one.feature === feature));
    this.firstKnown = of.map((one) => one?.firstKnown ?? NONE);
    this.secondKnown = of.map((one) => one?.secondKnown ?? NONE);
    this.first = Int32Array.from(tree.feature, (feature) => playerOf[feature]);
    this.second = this.first.map((player, node) => of[node]?.second ?? player);
    this.value = Float64Array.from(tree.value);
    this.state = new Uint8Array(players);
    this.asked = new Int32Array(players);
  }

  /** @returns how many leaves were shared */
  add(meeting: Meeting, node = 0, known = 0, unknown = 0): number {
    const { row, background, into } = meeting;
    const { state, asked, first, second } = this;
    while (row[node] !== 0) {
      const own = first[node];
      const player =
        own !== second[node]
          ? this.nextOfTwo(meeting, node)
          : state[own] === OPEN && row[node] !== background[node]
            ? own
            : NOBODY;
      if (player !== NOBODY) {
        asked[known + unknown] = player;
        state[player] = KNOWN;
        const ifKnown = this.add(meeting, node, known + 1, unknown);
        state[player] = UNKNOWN;
        const ifUnknown = this.add(meeting, node, known, unknown + 1);
        state[player] = OPEN;
        return ifKnown + ifUnknown;
      }
      const knowsFirst = state[own] !== UNKNOWN;
      node =
        knowsFirst === (state[second[node]] !== UNKNOWN)
          ? (knowsFirst ? row : background)[node]
          : this.mixed(meeting, node, knowsFirst);
    }
    const toKnown = this.value[node] * this.weights.of(known, unknown);
    const toUnknown = this.value[node] * this.weights.of(unknown, known);
    for (let i = 0; i < known + unknown; i++)
      if (state[asked[i]] === KNOWN) into[asked[i]] += toKnown;
      else into[asked[i]] -= toUnknown;
    return 1;
  }

  /** An open player of a joint feature on whom the way from a node still depends. */
  private nextOfTwo(meeting: Meeting, node: number): number {
    const first = this.first[node];
    const second = this.second[node];
    const [ofFirst, ofSecond] = [this.state[first], this.state[second]];
    if (ofFirst !== OPEN && ofSecond !== OPEN) return NOBODY;
    const both = meeting.row[node];
    const none = meeting.background[node];
    const onlyFirst = this.mixed(meeting, node, true);
    const onlySecond = this.mixed(meeting, node, false);
    const firstMatters =
      (ofSecond !== UNKNOWN && both !== onlySecond) || (ofSecond !== KNOWN && onlyFirst !== none);
    if (ofFirst === OPEN && firstMatters) return first;
    const secondMatters =
      (ofFirst !== UNKNOWN && both !== onlyFirst) || (ofFirst !== KNOWN && onlySecond !== none);
    return ofSecond === OPEN && secondMatters ? second : NOBODY;
  }

  /** The child that mixtures go to which know one player of a joint feature and not the other. */
  private mixed({ pair }: Meeting, node: number, knowsFirst: boolean): number {
    return childOf(this.tree, node, (knowsFirst ? this.firstKnown : this.secondKnown)[node][pair]);
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
