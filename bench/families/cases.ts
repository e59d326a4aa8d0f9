/** Every family on real data, each with the figure that it is judged by. */
import type { LearningTask } from '../../contracts';
import {
  cmapss,
  cmapssFailing,
  csv,
  mnist,
  steelPlates,
  taxisWithJourney,
  tilesWithTable,
  tilesWithTableAndText,
  zip,
} from './sources';
import type { Source } from './sources';

export interface Case {
  readonly name: string;
  readonly source: Source;
  readonly format: 'csv' | 'zip';
  readonly target: string;
  readonly task: LearningTask;
  readonly spec: Readonly<Record<string, unknown>>;
  readonly exclude?: readonly string[];
  /** The column whose equal values are held out together. */
  readonly holdoutGroup?: string;
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

const forecast = (
  name: string,
  source: Source,
  target: string,
  spec: Readonly<Record<string, unknown>>,
  options: Readonly<Record<string, unknown>>,
): Case => ({
  ...{ name, source, target, spec: { ...spec, forecast: options } },
  ...{
    format: 'csv',
    task: 'forecast',
    metric: 'mase',
    lower: true,
    against: 'the seasonal-naive forecast',
  },
});

const airline = (spec: Readonly<Record<string, unknown>>, cell: string): Case =>
  forecast(`airline passengers, 12 months ahead${cell}`, csv('airline_passengers'), 'Passengers', spec, {
    horizon: 12,
    lookback: 24,
  });
const metro = (spec: Readonly<Record<string, unknown>>, cell: string): Case =>
  forecast(`metro traffic, 24 hours ahead${cell}`, csv('metro_interstate_traffic'), 'traffic_volume', spec, {
    horizon: 24,
    lookback: 192,
    season: 168,
  });

const CMAPSS_WINDOW = { length: 30, order: 'cycle', group: 'unit' };
const UNSEEN_ENGINES = { holdoutGroup: 'unit' };
const ETTH1 = ['HUFL', 'HULL', 'MUFL', 'MULL', 'LUFL', 'LULL', 'OT'];

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
  regression('concrete, elastic net', csv('concrete'), 'strength', { family: 'linear', l2: 1, l1Ratio: 0.5 }),
  regression('California housing', csv('california_housing'), 'median_house_value', { family: 'trees' }),
  classification('adult', csv('adult_train'), 'income', { family: 'trees' }),
  classification('steel plates', steelPlates, 'fault', { family: 'trees' }),
  regression(
    'California housing, median regression',
    csv('california_housing'),
    'median_house_value',
    { family: 'trees', objective: 'quantile', quantile: 0.5 },
    { metric: 'mae' },
  ),
  regression('concrete, stronger with cement and age', csv('concrete'), 'strength', {
    family: 'trees',
    monotone: { cement: 1, age: 1 },
  }),
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
  regression('California housing, residual, periodic', csv('california_housing'), 'median_house_value', {
    ...{ family: 'mlp', hidden: [128, 128, 128], residual: true, normalization: 'layer' },
    ...{ embedding: 'periodic', sigma: 0.3, batchSize: 256, epochs: 40, patience: 8 },
  }),
  classification('adult, TabM-mini', csv('adult_train'), 'income', {
    ...{ family: 'mlp', hidden: [64, 64], sharedMembers: 8, numeric: 'piecewise', embedding: 'linear' },
    ...{ embeddingSize: 8, batchSize: 256, epochs: 10, patience: 3 },
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
    regression(
      'cmapss remaining life of unseen engines, windows of 30 cycles',
      cmapss,
      'rul',
      { family, epochs: 8, window: CMAPSS_WINDOW },
      UNSEEN_ENGINES,
    ),
  ),
  regression(
    'cmapss remaining life of unseen engines, windows of 30 cycles, lstm',
    cmapss,
    'rul',
    { family: 'rnn', cell: 'lstm', epochs: 8, window: CMAPSS_WINDOW },
    UNSEEN_ENGINES,
  ),
  classification(
    'cmapss, unseen engines failing within 30 cycles',
    cmapssFailing,
    'failing',
    { family: 'cnn', epochs: 8, window: CMAPSS_WINDOW },
    UNSEEN_ENGINES,
  ),
  regression(
    'cmapss remaining life of unseen engines, row by row',
    cmapss,
    'rul',
    { family: 'trees' },
    { exclude: ['unit'], ...UNSEEN_ENGINES },
  ),
  classification(
    'magnetic tiles with a table',
    tilesWithTable,
    'label',
    { family: 'fusion', epochs: 60, patience: 20, batchSize: 16, image: { augmentation: { flip: true } } },
    { format: 'zip' },
  ),
  classification(
    'magnetic tiles with a table and a text',
    tilesWithTableAndText,
    'label',
    { family: 'fusion', epochs: 60, patience: 20, batchSize: 16, image: { augmentation: { flip: true } } },
    { format: 'zip' },
  ),
  airline({ family: 'linear' }, ''),
  airline({ family: 'rnn', hidden: 16 }, ''),
  airline({ family: 'rnn', cell: 'lstm', hidden: 16 }, ', lstm'),
  metro({ family: 'linear' }, ''),
  metro({ family: 'rnn', hidden: 16, epochs: 2 }, ''),
  metro({ family: 'rnn', cell: 'lstm', hidden: 16, epochs: 2 }, ', lstm'),
  forecast(
    'ETTh1, 96 hours ahead',
    csv('ETTh1'),
    'OT',
    { family: 'transformer', epochs: 3 },
    { horizon: 96, lookback: 336, targets: ETTH1 },
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
  regression(
    'nyc taxis, the journey as a text',
    taxisWithJourney,
    'fare',
    { family: 'fusion' },
    { exclude: ['total', 'tip', 'tolls'] },
  ),
  anomaly('ai4i', csv('ai4i2020'), 'Machine failure', 'autoencoder', AI4I),
  anomaly('breast cancer', csv('breast_cancer_wdbc'), 'diagnosis', 'autoencoder', ['id']),
  anomaly('ai4i', csv('ai4i2020'), 'Machine failure', 'isolation-forest', AI4I),
  anomaly('breast cancer', csv('breast_cancer_wdbc'), 'diagnosis', 'isolation-forest', ['id']),
  clustering('California housing', csv('california_housing'), 'ocean_proximity', 'k-means', []),
  clustering('California housing', csv('california_housing'), 'ocean_proximity', 'gaussian-mixture', []),
  clustering('telco', csv('telco_churn'), 'Churn', 'k-means', ['customerID']),
  clustering('telco', csv('telco_churn'), 'Churn', 'gaussian-mixture', ['customerID']),
  synthesis('insurance', csv('insurance_charges'), 'smoker'),
  synthesis('adult', csv('adult_train'), 'income'),
];
