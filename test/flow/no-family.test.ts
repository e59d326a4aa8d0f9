/** Trainings that name no family, of the data that no search by folds is for: by two tenants over the public API. */
import { zipOf } from '../../bench/families/zip';
import { pictureTable } from '../../gpu-worker/testing/images';
import { encodeImage } from '../../tabular';
import { askGolden, unlikeGolden } from './golden';
import { modelOf, startPartners } from './partner';
import type { Partner, Partners } from './partner';

let partners: Partners;
beforeAll(async () => {
  partners = await startPartners({ workers: 2 });
});
afterAll(() => partners.platform.stop());

/** Pictures with a bright square in the upper or the lower half. */
const { images: [pictures] = [], columns, rows } = pictureTable(200);
const cell = (name: string, row: number): string => {
  const column = columns.find(({ spec }) => spec.name === name);
  if (column === undefined) throw new Error(`no column ${name}`);
  return 'values' in column ? String(column.values[row]) : (column.dictionary[column.codes[row] ?? -1] ?? '');
};
const zip = (nameOf: (row: number) => string, more: Record<string, string> = {}): Buffer => {
  if (pictures === undefined) throw new Error('no pictures');
  const { size, pixels } = pictures;
  const each = size.height * size.width * size.channels;
  const files = Array.from({ length: rows }, (_, row) => [
    nameOf(row),
    encodeImage(pixels.subarray(row * each, (row + 1) * each), size),
  ]);
  return zipOf({ ...(Object.fromEntries(files) as Record<string, Uint8Array>), ...more });
};

const refusal = async (partner: Partner, document: string, input: object): Promise<unknown> =>
  (await partner.ask(document, { input })).errors?.[0];
const QUOTE = `query ($input: QuoteTrainingInput!) { quoteTraining(input: $input) {
  seconds { low high basis } cost { capNano } } }`;

it('pictures in folders become a model that is asked with pictures', async () => {
  const { first, second } = partners;
  const file = zip((row) => `${cell('half', row)}/${row}.png`);
  const scenario = { name: 'halves', task: 'classification', target: 'half' };
  const { model, golden, asked, sealed } = await askGolden(first, scenario, file, undefined, {
    format: 'zip',
  });
  expect(model.chosen.family).toBe('cnn');
  expect(model.metrics.test['accuracy']).toBeGreaterThan(0.9);
  expect(unlikeGolden(golden, asked.outputs)).toEqual([]);
  // One worker tries the families: its time is the limit, whoever else waits, and so is its price.
  const quoted = await first.run(QUOTE, { input: { datasetVersionId: sealed.id } });
  expect(quoted).toMatchObject({
    quoteTraining: { seconds: { high: 60 }, cost: { capNano: expect.any(String) as unknown } },
  });
  expect(await refusal(second, QUOTE, { datasetVersionId: sealed.id })).toMatchObject({
    extensions: { code: 'NOT_FOUND' },
  });
});

it('pictures with a table beside them are learned from together', async () => {
  const { second } = partners;
  const lines = Array.from(
    { length: rows },
    (_, row) => `${row}.png,${cell('weight', row)},${cell('half', row)}`,
  );
  const file = zip((row) => `${row}.png`, { 'index.csv': `file,weight,half\n${lines.join('\n')}\n` });
  const scenario = { name: 'index', task: 'classification', target: 'half' };
  const spec = { family: 'auto', families: ['fusion', 'trees'] };
  const { model, golden, asked } = await askGolden(second, scenario, file, spec, { format: 'zip' });
  // The number says nothing of the half.
  expect(model.chosen.family).toBe('fusion');
  expect(golden.rows[0]).toHaveProperty('image');
  expect(unlikeGolden(golden, asked.outputs)).toEqual([]);
});

/** Two clouds far from each other. */
const clouds = Buffer.from(
  `x,y,kind\n${Array.from({ length: 200 }, (_, row) =>
    [(row % 2) * 50 + ((row * 7) % 10), ((row * 11) % 13) / 2, row % 2 === 0 ? 'low' : 'high'].join(),
  ).join('\n')}\n`,
);

it.each([
  ['anomaly', null, ['isolation-forest', 'autoencoder']],
  ['clustering', null, ['k-means', 'gaussian-mixture']],
  ['synthesis', 'kind', ['gan']],
])('%s tries its families, within the budget', async (task, target, families) => {
  const { first, second } = partners;
  const { id } = await second.upload(await second.scenario(task, task, target), clouds);
  const start = 'mutation ($input: StartTrainingInput!) { startTraining(input: $input) { id } }';
  expect(await refusal(first, start, { datasetVersionId: id })).toMatchObject({
    extensions: { code: 'NOT_FOUND' },
  });
  const model = modelOf(await second.train(id, undefined, { seconds: 12, trials: 4 }));
  expect(families).toContain(model.chosen.family);
  const { error } = await second.train(id, { family: 'auto', families: ['trees'] });
  expect(error).toMatchObject({
    code: 'BAD_SPEC',
    message: expect.stringContaining(families.join(', ')) as unknown,
  });
  const unknown = { datasetVersionId: id, spec: { family: 'auto', families: ['forest'] } };
  expect(await refusal(second, QUOTE, unknown)).toMatchObject({
    message: expect.stringMatching(/^unknown family "forest"; one of: linear, /) as unknown,
    extensions: { code: 'BAD_SPEC' },
  });
});
