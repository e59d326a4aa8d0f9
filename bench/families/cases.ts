/** Every family on real data, each with the figure that it is judged by. */
import type { LearningTask } from '../../contracts';
import { cmapss, csv, mnist, steelPlates, tilesWithTable, zip } from './sources';
import type { Source } from './sources';

export interface Case {
  readonly name: string;
  readonly source: Source;
  readonly format: 'csv' | 'zip';
  readonly target: string;
  readonly task: LearningTask;
  readonly spec: Readonly<Record<string, unknown>>;
  readonly exclude?: readonly string[];
  /** Judged by this figure of the held-out rows; `lower`: lower is better. */
  readonly metric: string;
  readonly lower: boolean;
  /** What the baseline of the same run is. */
  readonly against: string;
  readonly quick?: boolean;
}

const MEAN = 'predicting the mean';
const MAJORITY = 'predicting the majority';

const regression = (
  name: string,
  source: Source,
  target: string,
  spec: Case['spec'],
  more: Partial<Case> = {},
): Case => ({
  ...{ name, source, target, spec },
  ...{ format: 'csv', task: 'regression', metric: 'rmse', lower: true, against: MEAN },
  ...more,
});

const classification = (
  name: string,
  source: Source,
  target: string,
  spec: Case['spec'],
  more: Partial<Case> = {},
): Case => ({
  ...{ name, source, target, spec },
  ...{ format: 'csv', task: 'classification', metric: 'accuracy', lower: false, against: MAJORITY },
  ...more,
});

const anomaly = (name: string, source: Source, target: string, family: string, exclude: string[]): Case => ({
  ...{ name, source, target, exclude, spec: { family } },
  ...{
    format: 'csv',
    task: 'anomaly',
    metric: 'averagePrecision',
    lower: false,
    against: 'scores at random',
  },
});

const clustering = (
  name: string,
  source: Source,
  target: string,
  family: string,
  exclude: string[],
): Case => ({
  ...{ name, source, target, exclude, spec: { family } },
  ...{ format: 'csv', task: 'clustering', metric: 'silhouette', lower: false, against: 'groups at random' },
});

const synthesis = (name: string, source: Source, target: string): Case => ({
  ...{ name, source, target, spec: { family: 'gan' } },
  ...{
    format: 'csv',
    task: 'synthesis',
    metric: 'utility',
    lower: false,
    against: 'rows that teach nothing',
  },
});

const AI4I = ['TWF', 'HDF', 'PWF', 'OSF', 'RNF', 'UDI', 'Product ID'];

export const CASES: readonly Case[] = [
  regression('concrete', csv('concrete'), 'strength', { family: 'linear' }, { quick: true }),
  classification(
    'breast cancer',
    csv('breast_cancer_wdbc'),
    'diagnosis',
    { family: 'linear' },
    { exclude: ['id'] },
  ),
  classification('adult', csv('adult_train'), 'income', { family: 'linear' }),
  regression('California housing', csv('california_housing'), 'median_house_value', { family: 'trees' }),
  classification('adult', csv('adult_train'), 'income', { family: 'trees' }),
  classification('steel plates', steelPlates, 'fault', { family: 'trees' }),
  regression('California housing', csv('california_housing'), 'median_house_value', {
    family: 'mlp',
    numeric: 'piecewise',
    patience: 12,
    batchSize: 256,
    hidden: [128, 128],
  }),
  classification('adult', csv('adult_train'), 'income', {
    family: 'mlp',
    numeric: 'piecewise',
    patience: 3,
    batchSize: 256,
    epochs: 20,
  }),
  classification('MNIST, 8,000 of the 10,000', mnist, 'digit', { family: 'cnn' }, { format: 'zip' }),
  classification(
    'magnetic tiles',
    zip('magnetic_tile_96'),
    'defect',
    { family: 'cnn', epochs: 80, patience: 30, batchSize: 16, augmentation: { flip: true } },
    { format: 'zip' },
  ),
  ...['cnn', 'rnn', 'transformer'].map((family) =>
    regression('cmapss remaining life, windows of 30 cycles', cmapss, 'rul', {
      family,
      epochs: 8,
      window: { length: 30, order: 'cycle', group: 'unit' },
    }),
  ),
  regression('cmapss remaining life, row by row', cmapss, 'rul', { family: 'trees' }, { exclude: ['unit'] }),
  classification(
    'magnetic tiles with a table',
    tilesWithTable,
    'label',
    { family: 'fusion', epochs: 60, patience: 20, batchSize: 16, image: { augmentation: { flip: true } } },
    { format: 'zip' },
  ),
  classification('SMS spam', csv('sms_spam'), 'label', { family: 'transformer', epochs: 5 }),
  classification('SMS spam', csv('sms_spam'), 'label', { family: 'linear' }),
  regression(
    'nyc taxis',
    csv('nyc_taxis_sample'),
    'fare',
    { family: 'fusion' },
    { exclude: ['total', 'tip', 'tolls'] },
  ),
  anomaly('ai4i', csv('ai4i2020'), 'Machine failure', 'autoencoder', AI4I),
  anomaly('ai4i', csv('ai4i2020'), 'Machine failure', 'isolation-forest', AI4I),
  anomaly('breast cancer', csv('breast_cancer_wdbc'), 'diagnosis', 'isolation-forest', ['id']),
  clustering('California housing', csv('california_housing'), 'ocean_proximity', 'k-means', []),
  clustering('telco', csv('telco_churn'), 'Churn', 'gaussian-mixture', ['customerID']),
  synthesis('insurance', csv('insurance_charges'), 'smoker'),
  synthesis('adult', csv('adult_train'), 'income'),
];
