/** Models of every task, by two tenants over the public API: trained, deployed, asked, told what turned out to be true. */
import { readFileSync } from 'node:fs';
import type { GoldenRows } from '../../contracts';
import { dataFile } from '../support/data';
import { PREDICT, askGolden, unlikeGolden } from './golden';
import type { Asked } from './golden';
import { startPartners } from './partner';
import type { Partner, Partners } from './partner';

let platform: Partners['platform'];
let first: Partner;
let second: Partner;
beforeAll(async () => {
  ({ platform, first, second } = await startPartners());
});
afterAll(() => platform.stop());

interface Played {
  readonly golden: GoldenRows;
  readonly asked: Asked;
  /** Says what was true of a row; answers the revision, or the code of the refusal. */
  readonly tell: (row: number, actual: unknown, by?: Partner) => Promise<number | string>;
  readonly quality: () => Promise<{ rows: number; metrics: Record<string, number | null> }>;
  /** Code of the refusal. */
  readonly retrain: () => Promise<string | undefined>;
}

const lines = (name: string, most: number): Buffer => {
  const path = dataFile(name);
  if (path === undefined) throw new Error(`${name} is not beside the repository`);
  return Buffer.from(
    `${readFileSync(path, 'utf8')
      .split('\n')
      .slice(0, most + 1)
      .join('\n')}\n`,
  );
};
const FEEDBACK = `mutation ($id: ID!, $row: Int!, $actual: JSON!) {
  submitFeedback(predictionId: $id, row: $row, actual: $actual) { revision }
}`;
const QUALITY = 'query ($id: ID!) { quality(scenarioId: $id) { rows metrics } }';

/** Trains, deploys and asks the version's own golden rows. */
const play = async (
  partner: Partner,
  scenario: { name: string; task: string; target: string | null },
  file: Buffer,
  spec: object,
  set: Record<string, unknown> = {},
): Promise<Played> => {
  const { scenarioId, golden, deploymentId, asked } = await askGolden(partner, scenario, file, spec, set);
  expect(golden.rows.length).toBeGreaterThan(0);
  expect(unlikeGolden(golden, asked.outputs)).toEqual([]);
  const other = partner === first ? second : first;
  const codeOf = async (by: Partner, document: string, variables: Record<string, unknown>) =>
    (await by.ask(document, variables)).errors?.[0]?.extensions?.code;
  expect(await codeOf(other, PREDICT, { id: deploymentId, rows: golden.rows })).toBe('NOT_FOUND');
  const tell: Played['tell'] = async (row, actual, by = partner) => {
    const { data, errors } = await by.ask(FEEDBACK, { id: asked.id, row, actual });
    return (
      errors?.[0]?.extensions?.code ??
      (data as { submitFeedback: { revision: number } }).submitFeedback.revision
    );
  };
  expect(await tell(0, 1, other)).toBe('NOT_FOUND');
  return {
    golden,
    asked,
    tell,
    quality: async () =>
      (await partner.run<{ quality: Awaited<ReturnType<Played['quality']>> }>(QUALITY, { id: scenarioId }))
        .quality,
    retrain: () =>
      codeOf(partner, 'mutation ($id: ID!) { retrain(scenarioId: $id) { id } }', { id: scenarioId }),
  };
};

const withData = dataFile('airline_passengers.csv') === undefined ? it.skip : it;

withData('a year of passengers is forecast with its quantiles', async () => {
  const { golden, asked, tell, quality, retrain } = await play(
    first,
    { name: 'passengers', task: 'forecast', target: 'Passengers' },
    lines('airline_passengers.csv', 144),
    { family: 'linear', forecast: { horizon: 12, lookback: 24 } },
  );
  expect(asked).toMatchObject({ targets: ['Passengers'], levels: [0.1, 0.5, 0.9] });
  expect(golden.forecasts).toHaveLength(asked.outputs.length);
  for (const { forecast, prediction } of asked.outputs) {
    expect(forecast?.prediction).toHaveLength(12);
    expect(prediction).toBe(forecast?.prediction[0]?.[0]);
    for (const step of forecast?.quantiles ?? []) {
      const [low, middle, high] = step[0] ?? [];
      expect((low ?? NaN) <= (middle ?? NaN) && (middle ?? NaN) <= (high ?? NaN)).toBe(true);
    }
  }
  // Two of twelve months have passed: 5 below, and as forecast.
  const [one = [], two = []] = asked.outputs[0]?.forecast?.prediction ?? [];
  expect(await tell(0, [[(one[0] ?? NaN) - 5], two])).toBe(1);
  expect(await tell(0, 400)).toBe('WRONG_TYPE');
  const { rows, metrics } = await quality();
  expect(rows).toBe(1);
  expect(metrics['mae']).toBeCloseTo(2.5, 6);
  expect(await retrain()).toBe('STATE_CONFLICT');
});

withData('machines are told apart from ordinary ones, with no target anywhere', async () => {
  const { asked, tell, quality } = await play(
    second,
    { name: 'machines', task: 'anomaly', target: null },
    lines('ai4i2020.csv', 600),
    { family: 'isolation-forest' },
  );
  for (const { prediction, probabilities } of asked.outputs) {
    expect(['normal', 'anomaly']).toContain(prediction);
    expect(probabilities?.[1]).toBeGreaterThanOrEqual(0);
  }
  expect(await tell(0, asked.outputs[0]?.prediction)).toBe(1);
  expect(await tell(0, 'odd')).toBe('UNKNOWN_CATEGORY');
  expect(await quality()).toMatchObject({ rows: 1, metrics: { accuracy: 1 } });
});

withData('customers fall into groups', async () => {
  const { asked, tell } = await play(
    first,
    { name: 'customers', task: 'clustering', target: null },
    lines('insurance_charges.csv', 600),
    { family: 'k-means', clusters: 3 },
  );
  expect(asked.outputs.every(({ probabilities }) => probabilities?.length === 3)).toBe(true);
  expect(await tell(0, '1')).toBe('NO_TRUTH');
});

withData('rows are made up as they were when the file was verified', async () => {
  const { golden, asked, tell, quality } = await play(
    second,
    { name: 'made up', task: 'synthesis', target: null },
    lines('insurance_charges.csv', 400),
    { family: 'gan', epochs: 5, hidden: [16], latent: 8 },
  );
  expect(golden.generated).toHaveLength(asked.outputs.length);
  expect(asked.outputs.every(({ row, prediction }) => row !== null && prediction === null)).toBe(true);
  expect(await tell(0, 1)).toBe('NO_TRUTH');
  expect(await quality()).toEqual({ rows: 0, metrics: {} });
});

/** Twelve machines of forty rows; `load` is what `heat` was lately. */
const machines = (): Buffer => {
  const heat = (row: number): number => Math.sin(row * 1.7) + Math.cos(row * row);
  const rows = Array.from({ length: 480 }, (_, row) => {
    const hour = row % 40;
    const load = heat(row) + (hour > 0 ? heat(row - 1) : 0);
    return [`m${Math.floor(row / 40)}`, hour, heat(row).toFixed(4), load.toFixed(4)].join(',');
  });
  return Buffer.from(`machine,hour,heat,load\n${rows.join('\n')}\n`);
};

it('a row is judged with the rows before it', async () => {
  const { golden, asked, tell, quality, retrain } = await play(
    second,
    { name: 'loads', task: 'regression', target: 'load' },
    machines(),
    {
      family: 'rnn',
      window: { length: 4, order: 'hour', group: 'machine' },
      ...{ hidden: 8, epochs: 3, batchSize: 32 },
    },
  );
  expect(golden.rows[0]?.['heat']).toHaveLength(4);
  for (const { prediction, low, high } of asked.outputs)
    expect((low ?? NaN) < Number(prediction) && Number(prediction) < (high ?? NaN)).toBe(true);
  const actual = golden.actuals?.[0] as number;
  expect(await tell(0, actual)).toBe(1);
  const { rows, metrics } = await quality();
  expect(rows).toBe(1);
  expect(metrics['mae']).toBeCloseTo(Math.abs(Number(asked.outputs[0]?.prediction) - actual), 5);
  expect(await retrain()).toBe('STATE_CONFLICT');
});
