/** How well anomaly scores single out the rows that are known to be anomalies. */
import type { Coverage, Metrics } from '../../contracts';
import { rankingSample } from './sample';
import type { Sample } from './sample';
import { shareOf } from './shares';

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

/**
 * By level, rising: how many of the ordinary rows have an anomaly share below it (1 less that is the rate of false alarms),
 * and how many of all rows do not. `known` as above; where no row is known to be ordinary, all of them are taken for it.
 */
export const falseAlarms = (
  shares: ArrayLike<number>,
  known: ArrayLike<number>,
  levels: readonly number[],
): Coverage[] => {
  const all = Array.from({ length: shares.length }, (_, row) => row);
  const normal = all.filter((row) => known[row] === 0);
  const ordinary = normal.length > 0 ? normal : all;
  const below = (rows: readonly number[], level: number): number =>
    rows.filter((row) => shares[row] < level).length;
  return [...new Set(levels)]
    .sort((a, b) => a - b)
    .flatMap((level) => {
      const inside = shareOf(below(ordinary, level), ordinary.length);
      return inside === null ? [] : [{ level, inside, size: 1 - below(all, level) / all.length }];
    });
};
