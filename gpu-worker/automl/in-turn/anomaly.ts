/** Which family tells ordinary rows from unusual ones better, where nobody says which those are. */
import { AutoencoderSpec, IsolationForestSpec } from '../../../contracts';
import { permutation, randomKey } from '../../../onnx';
import type { Column, Table } from '../../data/table';
import { anomalySample } from '../../evaluate/anomaly';
import type { TrainingContext, TrainingData } from '../../family/data';
import { servedOutput } from '../../family/trained';
import { quantile } from '../../prepare/quantile';
import type { Contest } from './in-turn';

const MOST_JUDGED = 2000;

/**
 * Rows that were not learned from are spoiled in the ways of Han et al. («ADBench», 2022): further from the middle, less
 * and more, and with cells of different rows beside each other. Each error is how often a spoiled row seems more ordinary
 * than one as it was. No such figure foretells how well the anomalies of somebody's data are found, and few methods do
 * better than the isolation forest (Ma et al. 2023): the autoencoder takes its place only where it is better in every way.
 */
export const anomalyContest = (
  data: TrainingData,
  { seed, signal }: Pick<TrainingContext, 'seed' | 'signal'>,
): Contest => {
  const judged = data.validation.subarray(0, MOST_JUDGED);
  const ways = [further(1.3), further(2), shuffled].map((spoil, way): Table => {
    const columns = data.columns.map((column, at) => spoil(column, judged, randomKey(seed, 0xa0, way, at)));
    return { rows: judged.length, columns, holdout: new Uint8Array(judged.length) };
  });
  const rows = Int32Array.from(judged.keys());
  return {
    candidates: [
      IsolationForestSpec.parse({ family: 'isolation-forest' }),
      AutoencoderSpec.parse({ family: 'autoencoder' }),
    ],
    errors: async (trained) => {
      const ordinary = await trained.predict(judged, signal);
      const errors: number[] = [];
      for (const table of ways) {
        const scores = [...ordinary, ...(await servedOutput(trained, table, rows, signal))];
        const known = scores.map((_, at) => (at < ordinary.length ? 0 : 1));
        errors.push(1 - (anomalySample(scores, known).metrics()['auc'] ?? NaN));
      }
      return errors;
    },
  };
};

/** The column with one cell for each of `rows`. */
type Spoil = (column: Column, rows: Int32Array, key: number) => Column;

/** Numbers and times so many times as far from their median; nothing lies between categories. */
const further =
  (times: number): Spoil =>
  (column, rows) => {
    if (!('values' in column)) return { ...column, codes: rows.map((row) => column.codes[row]) };
    const values = Float64Array.from(rows, (row) => column.values[row]);
    const middle = quantile(values.filter((value) => !Number.isNaN(value)).sort(), 0.5);
    return { ...column, values: values.map((value) => middle + times * (value - middle)) };
  };

const shuffled: Spoil = (column, rows, key) => {
  const from = permutation(rows.length, key, 0).map((at) => rows[at]);
  return 'values' in column
    ? { ...column, values: Float64Array.from(from, (row) => column.values[row]) }
    : { ...column, codes: from.map((row) => column.codes[row]) };
};
