/** What the families' trainings tell of the table by which `src/training/quote.ts` quotes seconds. */
import type { ModelSpec } from '../../contracts';
import { START_SECONDS, workOf } from '../../src/training/quote';

/** A training as it was: cells of its data, and what the whole attempt took. */
export interface Taken {
  readonly spec: ModelSpec;
  readonly cells: number;
  readonly seconds: number;
}

/** Seconds above the start for every million cells gone through, of all trainings of a family together. */
export const secondsTable = (taken: readonly Taken[]): string =>
  [...new Set(taken.map(({ spec }) => spec.family))]
    .map((family) => {
      const own = taken.filter(({ spec }) => spec.family === family);
      const seconds = own.reduce((sum, each) => sum + Math.max(0, each.seconds - START_SECONDS), 0);
      const work = own.reduce((sum, { spec, cells }) => sum + workOf(spec, cells), 0);
      return `${family}: ${((seconds / work) * 1e6).toPrecision(2)}, of ${own.length}`;
    })
    .join('\n');
