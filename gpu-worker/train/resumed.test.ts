/** A killed training goes on from its last checkpoint and ends in the very file of one that was not killed. */
import { openSessionCount } from '../engine/onnxruntime';
import { classTable, listener, regressionTable, request } from '../testing/examples';
import { pictureTable } from '../testing/images';
import { FORECAST, forecast, mixed, WINDOW } from '../testing/mixed';
import type { Table } from '../data/table';
import { trainTable } from './train-table';
import type { TrainRequest } from './train-table';

const { table: series, ...ahead } = forecast();
const labels: Partial<TrainRequest> = { task: 'classification', target: 'label', exclude: ['y'] };
const numbers: Partial<TrainRequest> = { exclude: ['label', 'text'] };
const rows: Partial<TrainRequest> = { target: null, exclude: ['label', 'text'] };
const pictures: Partial<TrainRequest> = {
  task: 'classification',
  target: 'both',
  exclude: ['half', 'height'],
};

const steps = { epochs: 8, batchSize: 32 };
const mlp = { family: 'mlp', ...steps, hidden: [8], dropout: 0.1, members: 2, patience: 6 };
const cnn = { family: 'cnn', ...steps, hidden: [8], filters: [4] };
const rnn = { family: 'rnn', ...steps, hidden: 8, dropout: 0.1 };
const transformer = {
  family: 'transformer',
  ...steps,
  width: 8,
  heads: 2,
  layers: 1,
  patch: 2,
  stride: 1,
  tokens: 8,
};

it.each<[string, Record<string, unknown>, Table, Partial<TrainRequest>]>([
  ['mlp', mlp, regressionTable(), {}],
  ['mlp, as a TabM', { ...mlp, sharedMembers: 3, labelSmoothing: 0.1 }, classTable(), labels],
  ['cnn of pictures', cnn, pictureTable(80), pictures],
  ['cnn of windows', { ...cnn, window: WINDOW }, mixed(), numbers],
  ['fusion', { family: 'fusion', ...steps, width: 8, hidden: [8] }, pictureTable(80), pictures],
  ['rnn that forecasts', { ...rnn, forecast: FORECAST }, series, ahead],
  ['rnn of windows', { ...rnn, cell: 'lstm', window: WINDOW }, mixed(), numbers],
  ['transformer that forecasts', { ...transformer, forecast: FORECAST }, series, ahead],
  ['transformer of texts', transformer, mixed(), labels],
  ['autoencoder', { family: 'autoencoder', ...steps, code: 2 }, mixed(), { ...rows, task: 'anomaly' }],
  ['gan', { family: 'gan', ...steps, hidden: [16], latent: 4 }, mixed(), { ...rows, task: 'synthesis' }],
  ['trees', { family: 'trees', trees: 80, minRows: 5, rows: { kind: 'bagging' } }, mixed(), labels],
])('%s', async (_name, spec, table, more) => {
  const asked = request(spec, more);
  const whole = await trainTable(table, asked, listener());
  const killed = listener();
  let latest: Uint8Array | null = null;
  let offered = 0;
  const offer = (state: () => Uint8Array): void => {
    latest = state();
    if (++offered === 3) killed.abort();
  };
  await expect(
    trainTable(table, asked, { ...killed, checkpoints: { latest: null, offer } }),
  ).rejects.toThrow();
  expect(offered).toBe(3);
  const going = listener();
  const resumed = await trainTable(table, asked, { ...going, checkpoints: { latest, offer } });
  // It does not learn again what it had learned.
  expect(going.epochs).toEqual(whole.manifest.history.slice(killed.epochs.length));
  expect(killed.epochs.length).toBeGreaterThanOrEqual(3);
  expect(Buffer.compare(resumed.onnx, whole.onnx)).toBe(0);
  expect(resumed.manifest.history).toEqual(whole.manifest.history);
  expect(openSessionCount()).toBe(0);
});
