import { GraphError } from '../errors';
import type { Value } from '../value';

/** Shapes of the weights that a layer takes, by its own short names. */
export type Shapes<W> = Readonly<Record<keyof W, readonly number[]>>;

/** The same under `layer/name`, so that a network can hold many layers. */
export const namedShapes = (
  layer: string,
  shapes: Readonly<Record<string, readonly number[]>>,
): Record<string, readonly number[]> =>
  Object.fromEntries(Object.entries(shapes).map(([name, dims]) => [`${layer}/${name}`, dims]));

/** The weights of one layer out of a network's, by the layer's own names. */
export const weightsOf = <K extends string>(
  weights: Readonly<Record<string, Value>>,
  layer: string,
  shapes: Readonly<Record<K, readonly number[]>>,
): Record<K, Value> => {
  const found: Partial<Record<K, Value>> = {};
  for (const name of Object.keys(shapes) as K[]) {
    const value = weights[`${layer}/${name}`];
    if (value === undefined) throw new GraphError(`layer ${layer}: no weights ${layer}/${name}`);
    found[name] = value;
  }
  return found as Record<K, Value>;
};
