import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createScenario,
  deploy,
  jobEnd,
  patiently,
  predict,
  sealDataset,
  sleep,
  train,
} from '../../bench/work';
import { missingFromLedger } from '../../bench/chaos/evidence';
import type { AnsweredPrediction } from '../../bench/chaos/evidence';
import { ApiError, Client } from '../../src/embedded/loop/client';
import { housePrices } from '../../src/embedded/loop/house-prices';
import { startPlatform } from '../support/platform';
import type { TestPlatform } from '../support/platform';

const AWAY_MS = 30_000;
const ROW = { area: 70, rooms: 3, age: 20, district: 'Harbour', distance: 4, condition: 'good' };
const SPEC = { family: 'linear' };
const NEW_SCENARIO = `mutation Make($input: CreateScenarioInput!) { createScenario(input: $input) { id } }`;
const START = `mutation Start($input: StartTrainingInput!) { startTraining(input: $input) { id state } }`;
const scenario = { input: { name: 'another', target: 'price', task: 'regression' } };

let platform: TestPlatform;
let client: Client;
let deploymentId: string;
let datasetVersionId: string;
const answered: AnsweredPrediction[] = [];

/** The code of the failure, and how long it took. */
const refusal = async (work: () => Promise<unknown>): Promise<{ code: string; ms: number }> => {
  const from = performance.now();
  const code = await work().then(
    () => 'answered',
    (error: unknown) => (error instanceof ApiError ? error.code : String(error)),
  );
  return { code, ms: performance.now() - from };
};

const predictOne = async (): Promise<void> => {
  const { id, outputs } = await predict(client, deploymentId, [ROW]);
  expect(typeof outputs[0]?.prediction).toBe('number');
  answered.push({ tenantId: platform.tenantId, id });
};

const inLedger = async (): Promise<number> => {
  let missing = await missingFromLedger(platform.database.superuserUrl, answered);
  for (let tries = 0; missing > 0 && tries < 50; tries++) {
    await sleep(200);
    missing = await missingFromLedger(platform.database.superuserUrl, answered);
  }
  return missing;
};

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'modelmint-away-'));
  try {
    const path = join(folder, 'houses.csv');
    writeFileSync(path, housePrices(300, 5));
    platform = await startPlatform({ ownPostgres: true });
    client = new Client(platform.endpoint, platform.apiKey);
    const scenarioId = await createScenario(client, 'houses', 'price');
    datasetVersionId = await sealDataset(client, { scenarioId, path });
    const version = await train(client, { datasetVersionId, spec: SPEC });
    deploymentId = await deploy(client, version, 'houses');
    // The news of the deployment may reach the gateway after the first answer, and what it read before is not kept.
    await predictOne();
    await sleep(1000);
    await predictOne();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 180_000);
afterAll(async () => platform?.stop());

describe('while PostgreSQL is away', () => {
  it('predictions go on for 30 s, mutations say UNAVAILABLE, and all comes back', async () => {
    await platform.postgres?.kill();
    const until = Date.now() + AWAY_MS;
    const mutations: { code: string; ms: number }[] = [];
    while (Date.now() < until) {
      await predictOne();
      mutations.push(await refusal(() => client.run(NEW_SCENARIO, scenario)));
      await predictOne();
      await sleep(1000);
    }
    expect(new Set(mutations.map(({ code }) => code))).toEqual(new Set(['UNAVAILABLE']));
    expect(Math.max(...mutations.map(({ ms }) => ms))).toBeLessThan(3500);
    expect((await fetch(`${platform.url}/livez`)).status).toBe(200);
    expect((await fetch(`${platform.url}/readyz`)).status).toBe(503);

    await platform.postgres?.start();
    const from = performance.now();
    await patiently(() => client.run(NEW_SCENARIO, scenario), 20_000);
    expect(performance.now() - from).toBeLessThan(5000);
    await predictOne();
    expect(await inLedger()).toBe(0);
  }, 120_000);
});

describe('while NATS is away', () => {
  it('nothing is given away, mutations are accepted, and what they ask for is done later', async () => {
    await platform.nats.kill();
    const first = await refusal(predictOne);
    const next = await refusal(predictOne);
    expect([first.code, next.code]).toEqual(['METER_UNAVAILABLE', 'METER_UNAVAILABLE']);
    expect(first.ms).toBeLessThan(5000);
    expect(next.ms).toBeLessThan(3000);
    const from = performance.now();
    const { startTraining: job } = await client.run<{ startTraining: { id: string; state: string } }>(START, {
      input: { datasetVersionId, spec: SPEC, seed: 2 },
    });
    expect(job.state).toBe('QUEUED');
    expect(performance.now() - from).toBeLessThan(3000);

    await platform.nats.start();
    expect((await jobEnd(client, job.id)).state).toBe('SUCCEEDED');
    await patiently(predictOne, 20_000);
    expect(await inLedger()).toBe(0);
    // What was refused was charged to nobody: nothing of it is left over after its reversals.
    const { usage } = await client.run<{ usage: { days: { meter: string; quantity: string }[] } }>(
      `query Usage($from: DateTimeISO!, $to: DateTimeISO!) {
         usage(from: $from, to: $to) { days { meter quantity } }
       }`,
      {
        from: new Date(Date.now() - 86_400_000).toISOString(),
        to: new Date(Date.now() + 1000).toISOString(),
      },
    );
    const counted = usage.days.filter(({ meter }) => meter === 'predictions');
    expect(counted.reduce((sum, { quantity }) => sum + Number(quantity), 0)).toBe(answered.length);
  }, 120_000);
});
