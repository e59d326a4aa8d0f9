/**
 * Shapley values of single answers: each column's share in how an answer differs from the mean answer, over all orders in
 * which columns could become known (Shapley 1953; Strumbelj and Kononenko 2010). A column that is not known yet takes its
 * value from a background row (interventional: Janzing et al. 2020).
 */
import { permutation, randomKey } from '../../../onnx';
import type { ShapleyValues } from '../../family/trained';

const ORDERS = 0x5a;

/** Who shares the answer: columns, or groups of columns that become known together. */
export interface Game {
  readonly players: number;
  readonly backgrounds: number;
  /**
   * Answers to questions. Question i is about background row `background[i]` with those players known, i.e. taken from the
   * explained row, whose entry in row i of `known` [questions, players] is 1.
   */
  ask(questions: Questions): Promise<Float64Array>;
}

export interface Questions {
  readonly background: Int32Array;
  /** Row-major [questions, players]. */
  readonly known: Uint8Array;
}

/**
 * Permutation sampling (Castro et al. 2009): for every background row one random order and its reverse (antithetic
 * pairs, Mitchell et al. 2022) are walked from the background row to the explained one, and each player gets the change
 * that its step makes. A walk's steps add up to the whole way, so the values add up to output - base whatever was drawn.
 */
export const sampledShapley = async (game: Game, seed: number): Promise<ShapleyValues> => {
  const { players, backgrounds } = game;
  const walks = Array.from({ length: backgrounds }, (_, background) => {
    const order = permutation(players, randomKey(seed, ORDERS), background);
    return [order, Int32Array.from(order).reverse()].map((steps) => ({ background, order: steps }));
  }).flat();
  const answers = await game.ask(questionsOf(walks, players));
  const values = new Float64Array(players);
  let [base, output] = [0, 0];
  walks.forEach(({ order }, walk) => {
    const from = walk * (players + 1);
    base += answers[from] / walks.length;
    output += answers[from + players] / walks.length;
    order.forEach((player, step) => {
      values[player] += (answers[from + step + 1] - answers[from + step]) / walks.length;
    });
  });
  return { base, output, values };
};

const questionsOf = (
  walks: readonly { readonly background: number; readonly order: Int32Array }[],
  players: number,
): Questions => {
  const steps = players + 1;
  const background = new Int32Array(walks.length * steps);
  const known = new Uint8Array(walks.length * steps * players);
  walks.forEach((walk, at) => {
    for (let step = 0; step < steps; step++) {
      const question = at * steps + step;
      background[question] = walk.background;
      for (let i = 0; i < step; i++) known[question * players + walk.order[i]] = 1;
    }
  });
  return { background, known };
};
