import { GraphError } from '../errors';

/** `what` names it. @throws GraphError where a training graph lacks it */
export const known = <T>(item: T | undefined, what: string): T => {
  if (item === undefined) throw new GraphError(`training: ${what} is missing`);
  return item;
};
