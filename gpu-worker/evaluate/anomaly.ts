/** How well anomaly scores single out the rows that are known to be anomalies. */
import type { Metrics } from '../../contracts';
import { rankingSample } from './sample';
import type { Sample } from './sample';

/**
 * auc, averagePrecision, and precisionAtCount: the share of anomalies among as many of the highest scores as there are
 * anomalies (ties go to the earlier row). `known`: 1 = anomaly, 0 = not, -1 = not known.
 */
export const anomalySample = (scores: ArrayLike<number>, known: ArrayLike<number>): Sample => {
  const ranking = rankingSample(scores, known);
  const rows = Array.from({ length: known.length }, (_, row) => row).filter((row) => known[row] >= 0);
  const order = rows.sort((a, b) => scores[b] - scores[a] || a - b);
  return {
    rows: ranking.rows,
    metrics: (weights) => {
      const weight = (row: number): number => (weights === undefined ? 1 : weights[row]);
      const anomalies = rows.reduce((sum, row) => sum + (known[row] === 1 ? weight(row) : 0), 0);
      let [taken, hits] = [0, 0];
      for (const row of order) {
        const part = Math.min(weight(row), anomalies - taken);
        if (part <= 0) {
          if (taken >= anomalies) break;
          continue;
        }
        taken += part;
        if (known[row] === 1) hits += part;
      }
      return {
        ...ranking.metrics(weights),
        precisionAtCount: anomalies > 0 ? hits / anomalies : null,
      } satisfies Metrics;
    },
  };
};
