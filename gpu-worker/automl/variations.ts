/** What a search tries next to its leaders, once it is through with the portfolio and some of its budget is left. */
import { isDeepStrictEqual } from 'node:util';
import type { ConcreteSpec, LinearSpec, MlpSpec, SearchShape, TreesSpec } from '../../contracts';

/** Found interactions that a variation may have. */
const INTERACTIONS = 8;

/**
 * Of the best of each family in `ranked` (best first), those that are not `tried` yet, in the order of their promise:
 * what one model lacks another has, so each goes a long way from its leader.
 */
export const variations = (
  ranked: readonly ConcreteSpec[],
  tried: readonly ConcreteSpec[],
  { numbers }: SearchShape,
): ConcreteSpec[] => {
  const leaders = ranked.filter(
    ({ family }, at) => ranked.findIndex((other) => other.family === family) === at,
  );
  return leaders
    .flatMap((leader) => variationsOf(leader, numbers))
    .filter((spec) => !tried.some((other) => isDeepStrictEqual(other, spec)));
};

/** None of the families that the portfolio has not. */
const variationsOf = (spec: ConcreteSpec, numbers: number): ConcreteSpec[] => {
  if (spec.family === 'linear') return interacting(spec, numbers);
  if (spec.family === 'trees') return [...interacting(spec, numbers), greedier(spec)];
  if (spec.family === 'mlp') return [...interacting(spec, numbers), wider(spec)];
  return [];
};

const interacting = (spec: LinearSpec | TreesSpec | MlpSpec, numbers: number): ConcreteSpec[] =>
  numbers < 2 || (spec.interactions ?? 0) > 0 ? [] : [{ ...spec, interactions: INTERACTIONS }];

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
