import type { ModelSignature } from '../../contracts';
import type { Column } from '../data/table';

type Inputs = ModelSignature['inputs'];

/** The columns that any of several models reads, in the order of the table. */
export const unionInputs = (columns: readonly Column[], models: readonly Inputs[]): Inputs =>
  columns.flatMap(({ spec }) => {
    const found = models.flatMap((inputs) => inputs.filter((input) => input.spec.name === spec.name));
    const [first] = found;
    return first === undefined ? [] : [{ spec: first.spec, known: unionKnown(found) }];
  });

/** Closed only where every model's vocabulary is. */
const unionKnown = (inputs: Inputs): string[] | null => {
  const known = new Set<string>();
  for (const input of inputs) {
    if (input.known === null) return null;
    for (const value of input.known) known.add(value);
  }
  return [...known];
};
