/** Several workers on one job: trials go to all of them, and what a killed one began another goes on with. */
import { Client } from 'pg';
import { eventually, startPartners } from './partner';
import type { Partner, Partners } from './partner';

const PATIENCE_MS = 240_000;
/** A checkpoint is saved after five seconds, and five more later. */
const SAVED_BY_SECONDS = 8;

const WIDTH = 20;
const CLASSES = 10;

/** Numbers and what follows from some of them: a price, and a kind in one of ten. */
const rows = (count: number): Buffer => {
  const names = Array.from({ length: WIDTH }, (_, column) => `x${column}`);
  const lines = Array.from({ length: count }, (_, row) => {
    const x = names.map((_name, column) => ((row * (37 + 16 * column)) % 1009) / 1009);
    const price = 10 * Math.sin(3 * x[0] * x[1]) + 5 * x[2] - x[3] ** 2 + ((row * 7919) % 500) / 500;
    return [...x, price, `kind ${Math.floor(Math.abs(price)) % CLASSES}`].join();
  });
  return Buffer.from(`${[...names, 'price', 'kind'].join()}\n${lines.join('\n')}\n`);
};

interface Task {
  readonly kind: string;
  readonly state: string;
  readonly worker: string | null;
  readonly attempt: number;
  readonly fraction: number;
  /** Since its attempt began. */
  readonly seconds: number | null;
}

describe('a pool of two workers', () => {
  let partners: Partners;
  let database: Client;
  beforeAll(async () => {
    partners = await startPartners({ workers: 2, env: { MM_LEASE_MS: '3000' } }, PATIENCE_MS);
    database = new Client({ connectionString: partners.platform.database.platformUrl });
    await database.connect();
  });
  afterAll(async () => {
    await database.end();
    await partners.platform.stop();
  });

  const tasksOf = async (jobId: string): Promise<Task[]> => {
    const { rows: found } = await database.query<Task>(
      `select kind, state, worker_id as worker, attempt, fraction,
              extract(epoch from now() - attempt_started_at)::float8 as seconds
         from app.task where owner_id = $1`,
      [jobId],
    );
    return found;
  };
  const begun = async (
    partner: Partner,
    datasetVersionId: string,
    spec: object | undefined,
    budget: object,
  ): Promise<string> => {
    const { startTraining } = await partner.run<{ startTraining: { id: string } }>(
      'mutation ($input: StartTrainingInput!) { startTraining(input: $input) { id } }',
      { input: { datasetVersionId, spec, budget } },
    );
    return startTraining.id;
  };

  // So much to do that it is worth sending to others: a short search stays with the worker that took it.
  it('shares the trials of one search', async () => {
    const { first: mine, second: theirs } = partners;
    const { id } = await mine.upload(await mine.scenario('mine', 'classification', 'kind'), rows(20_000), {
      exclude: ['price'],
    });
    const jobId = await begun(mine, id, undefined, { seconds: 40 });
    const job = await mine.ended(jobId);
    expect(job).toMatchObject({ state: 'SUCCEEDED', error: null });
    const trials = (await tasksOf(jobId)).filter(
      ({ kind, state }) => kind === 'trial' && state === 'SUCCEEDED',
    );
    expect(new Set(trials.map(({ worker }) => worker))).toEqual(new Set(['worker-0', 'worker-1']));
    const refused = await theirs.ask('query ($id: ID!) { job(id: $id) { leaderboard { rank } } }', {
      id: jobId,
    });
    expect(refused.errors?.[0]?.extensions?.code).toBe('NOT_FOUND');
  });

  it('a killed worker leaves its epochs to the other, which goes on from what was saved', async () => {
    const { second: theirs, platform } = partners;
    const { id } = await theirs.upload(await theirs.scenario('theirs'), rows(20_000), { exclude: ['kind'] });
    // More epochs than there is time for: it ends with what it has by then.
    const spec = { family: 'mlp', epochs: 10_000, patience: 0, batchSize: 64 };
    const jobId = await begun(theirs, id, spec, { seconds: 25 });
    const task = async (): Promise<Task> => (await tasksOf(jobId))[0];
    const before = await eventually(task, ({ seconds }) => (seconds ?? 0) > SAVED_BY_SECONDS, PATIENCE_MS);
    expect(before.fraction).toBeGreaterThan(0);
    await platform.workers[Number(before.worker?.slice(-1))].kill();
    const after = await eventually(
      task,
      ({ attempt, fraction }) => attempt === 2 && fraction > 0,
      PATIENCE_MS,
    );
    expect(after.worker).not.toBe(before.worker);
    // A first epoch would be a hundredth of it.
    expect(after.fraction).toBeGreaterThan(0.3 * before.fraction);
    expect(await theirs.ended(jobId)).toMatchObject({ state: 'SUCCEEDED', error: null });
  });
});
