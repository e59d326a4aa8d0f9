/** What a search tries next to its leaders, once it is through with the portfolio and some of its budget is left. */
import { isDeepStrictEqual } from 'node:util';
import type { ConcreteSpec, LinearSpec, MlpSpec, SearchShape, TreesSpec } from '../../contracts';
import { FEWEST_ROWS } from '../prepare/interactions';

/** Found interactions that a variation may have. */
const INTERACTIONS = 8;

/**
 * Of the best of each family in `ranked` (best first), those that are not `tried` yet, in the order of their promise:
 * what one model lacks another has, so each goes a long way from its leader.
 */
export const variations = (
  ranked: readonly ConcreteSpec[],
  tried: readonly ConcreteSpec[],
  shape: SearchShape,
): ConcreteSpec[] => {
  const leaders = ranked.filter(
    ({ family }, at) => ranked.findIndex((other) => other.family === family) === at,
  );
  return leaders
    .flatMap((leader) => variationsOf(leader, shape))
    .filter((spec) => !tried.some((other) => isDeepStrictEqual(other, spec)));
};

const variationsOf = (spec: ConcreteSpec, shape: SearchShape): ConcreteSpec[] => {
  switch (spec.family) {
    case 'linear':
      return interacting(spec, shape);
    case 'trees':
      return [...interacting(spec, shape), greedier(spec)];
    case 'mlp':
      return [...interacting(spec, shape), wider(spec)];
    default:
      return [];
  }
};

const interacting = (spec: LinearSpec | TreesSpec | MlpSpec, shape: SearchShape): ConcreteSpec[] =>
  shape.numbers < 2 || shape.rows * (1 - 1 / shape.folds) < FEWEST_ROWS || (spec.interactions ?? 0) > 0
    ? []
    : [{ ...spec, interactions: INTERACTIONS }];

/** Every tree sees all rows and columns and goes deep, as the defaults of XGBoost do. */
const greedier = (spec: TreesSpec): TreesSpec => ({
  ...spec,
  leaves: Math.min(127, 2 * spec.leaves),
  minRows: Math.max(1, Math.floor(spec.minRows / 2)),
  columnFraction: 1,
  rows: { kind: 'all' },
});

const wider = (spec: MlpSpec): MlpSpec => ({
  ...spec,
  hidden: spec.hidden.map((size) => Math.min(256, 2 * size)),
  dropout: Math.min(0.4, spec.dropout + 0.15),
});
