/** What the families' trainings tell of the table by which `src/training/quote.ts` quotes seconds. */
import type { ModelSpec } from '../../contracts';
import { START_SECONDS, workOf } from '../../src/training/quote';

/** A training as it was: cells of its data, and what the whole attempt took. */
export interface Taken {
  readonly spec: ModelSpec;
  readonly cells: number;
  readonly seconds: number;
  /** Types of the columns that it may read. */
  readonly columns: readonly string[];
}

/** A cell takes as long as another, unless it is a picture, a text or read again in every window. */
const hasCellsAlike = ({ spec, columns }: Taken): boolean =>
  !('window' in spec && spec.window !== undefined) && !columns.includes('text') && !columns.includes('image');

/** Seconds above the start for every million cells gone through, of all trainings of a family together. */
export const secondsTable = (taken: readonly Taken[]): string => {
  const alike = taken.filter(hasCellsAlike);
  return [...new Set(alike.map(({ spec }) => spec.family))]
    .map((family) => {
      const own = alike.filter(({ spec }) => spec.family === family);
      const seconds = own.reduce((sum, each) => sum + Math.max(0, each.seconds - START_SECONDS), 0);
      const work = own.reduce((sum, { spec, cells }) => sum + workOf(spec, cells), 0);
      return `${family}: ${((seconds / work) * 1e6).toPrecision(2)}, of ${own.length}`;
    })
    .join('\n');
};
