/** Old model against new one on the same held-out rows. */
import type { Comparison } from '../../contracts';
import { randomBits, randomKey } from '../../onnx';

/** Per-row outcome of one model: the squared error, 1 for a right label and 0 for a wrong one, or what a label costs. */
export interface RowScores {
  readonly metric: 'rmse' | 'accuracy' | 'cost';
  readonly champion: Float64Array;
  readonly challenger: Float64Array;
}

const DRAWS = 20_000_000;
/** Tells these draws apart from others of the same seed. */
const BOOTSTRAP = 0xb007;

/**
 * Paired bootstrap (Efron and Tibshirani 1993, ch. 16): rows are drawn with replacement, both models are scored on
 * the same draw, and the 2.5 and 97.5 percentiles of the difference bound it. Undefined without rows.
 */
export const compare = (scores: RowScores, seed: number): Comparison | undefined => {
  const rows = scores.champion.length;
  if (rows === 0) return undefined;
  const value = (mean: number): number => (scores.metric === 'rmse' ? Math.sqrt(mean) : mean);
  const replicates = Math.max(200, Math.min(1000, Math.floor(DRAWS / rows)));
  // A local name: looking up a module's export millions of times is what would take the time.
  const draw = randomBits;
  const differences = new Float64Array(replicates);
  for (let replicate = 0; replicate < replicates; replicate++) {
    const key = randomKey(seed, BOOTSTRAP, replicate);
    let champion = 0;
    let challenger = 0;
    for (let i = 0; i < rows; i++) {
      const row = Math.floor((draw(key, i) / 2 ** 32) * rows);
      champion += scores.champion[row] ?? NaN;
      challenger += scores.challenger[row] ?? NaN;
    }
    differences[replicate] = value(challenger / rows) - value(champion / rows);
  }
  differences.sort();
  const low = differences[Math.floor(replicates * 0.025)] ?? NaN;
  const high = differences[Math.ceil(replicates * 0.975) - 1] ?? NaN;
  const champion = value(average(scores.champion));
  const challenger = value(average(scores.challenger));
  return {
    metric: scores.metric,
    rows,
    champion,
    challenger,
    difference: challenger - champion,
    low,
    high,
    better: verdict(scores.metric, low, high),
  };
};

const average = (values: Float64Array): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

const verdict = (metric: RowScores['metric'], low: number, high: number): Comparison['better'] => {
  if (low <= 0 && high >= 0) return 'undecided';
  const risen = low > 0;
  return risen === (metric === 'accuracy') ? 'challenger' : 'champion';
};
