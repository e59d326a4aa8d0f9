import type { Importance } from '../../../contracts';
import { permutation, randomKey } from '../../../onnx';
import type { SealedFile } from './sealed-file';

/** How wrong answers are, as the metric names it; `places` are the rows that were asked, in order. */
export interface Score {
  readonly metric: Importance['metric'];
  of(answers: Float32Array): number;
}

const SHUFFLES = 0x1f;

/**
 * Permutation importance (Breiman 2001; Fisher et al. 2019): by how much the error grows when one column's values are
 * shuffled among the rows, the others staying as they are. Greatest first.
 */
export const permutationImportance = async (
  file: SealedFile,
  rows: Int32Array,
  score: Score,
  { columns, repeats, seed }: { columns: readonly string[]; repeats: number; seed: number },
): Promise<Importance> => {
  const before = score.of(await file.answers(rows.length, () => rows));
  const found: Importance['columns'] = [];
  for (const [at, column] of columns.entries()) {
    const increases: number[] = [];
    for (let repeat = 0; repeat < repeats; repeat++) {
      const order = permutation(rows.length, randomKey(seed, SHUFFLES, at), repeat);
      const shuffled = order.map((place) => rows[place]);
      const answers = await file.answers(rows.length, (name) => (name === column ? shuffled : rows));
      increases.push(score.of(answers) - before);
    }
    const increase = increases.reduce((sum, value) => sum + value, 0) / repeats;
    const squares = increases.reduce((sum, value) => sum + (value - increase) ** 2, 0);
    found.push({ column, increase, standardDeviation: Math.sqrt(squares / Math.max(repeats - 1, 1)) });
  }
  found.sort((a, b) => b.increase - a.increase);
  return { metric: score.metric, rows: rows.length, repeats, columns: found };
};
