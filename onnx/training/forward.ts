import { tensor } from '../tensor';
import { constant, type Value } from '../value';
import type { Parameters, Weights } from './layout';
import { GraphError } from '../errors';

/** Trained weights as constants of a graph, to build the network that training built once more for export. */
export const weightConstants = (parameters: Parameters, weights: Weights): Record<string, Value> =>
  Object.fromEntries(
    Object.entries(parameters).map(([name, dims]) => {
      const values = weights[name];
      if (values === undefined) throw new GraphError(`no weights for parameter ${name}`);
      return [name, constant(tensor('float32', values, dims))];
    }),
  );

/** Dropout of inference: nothing. */
export const noDropout = (x: Value): Value => x;
