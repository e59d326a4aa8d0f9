/** What a training is quoted, what it may use, and what it is charged: two tenants, two workers, a real platform. */
import { startPartners } from './partner';
import type { Partner, Partners } from './partner';

interface Quote {
  readonly seconds: { readonly low: number; readonly high: number | null; readonly basis: string };
  readonly cost: { readonly lowNano: string; readonly highNano: string; readonly capNano: string | null };
  readonly expectedScore: { readonly metric: string; readonly low: number; readonly high: number } | null;
  readonly expectedScoreReason: string;
}
interface Trial {
  readonly rank: number | null;
  readonly score: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly seconds: number | null;
  readonly costNano: string | null;
  readonly microsPerRow: number | null;
  readonly sizeBytes: number | null;
}

const rows = (count: number): Buffer =>
  Buffer.from(
    `area,age,price\n${Array.from({ length: count }, (_, i) => {
      const [area, age] = [30 + ((i * 37) % 120), (i * 13) % 80];
      return [area, age, area * 1000 - age * 200 + ((i * 7919) % 500)].join();
    }).join('\n')}\n`,
  );

const quote = async (partner: Partner, input: object): Promise<Quote> => {
  const answer = await partner.run<{ quoteTraining: Quote }>(
    `query ($input: QuoteTrainingInput!) { quoteTraining(input: $input) {
       seconds { low high basis } cost { lowNano highNano capNano }
       expectedScore { metric low high } expectedScoreReason } }`,
    { input },
  );
  return answer.quoteTraining;
};
const bill = async (partner: Partner, scenarioId: string): Promise<bigint> => {
  const now = Date.now();
  const { invoicePreview } = await partner.run<{
    invoicePreview: { lines: { scenarioId: string; meter: string; amountNano: string }[] };
  }>(
    `query ($from: DateTimeISO!, $to: DateTimeISO!) { invoicePreview(from: $from, to: $to) {
       lines { scenarioId meter amountNano } } }`,
    { from: new Date(now - 3_600_000), to: new Date(now + 3_600_000) },
  );
  return invoicePreview.lines
    .filter((line) => line.scenarioId === scenarioId && line.meter.startsWith('training'))
    .reduce((sum, { amountNano }) => sum + BigInt(amountNano), 0n);
};

describe('a training under a budget', () => {
  let partners: Partners;
  beforeAll(async () => {
    partners = await startPartners({ workers: 2 });
  });
  afterAll(() => partners.platform.stop());

  it('is charged no more than it was quoted, and shows what it tried', async () => {
    const { first: mine, second: theirs } = partners;
    const scenarioId = await mine.scenario('mine');
    const { id } = await mine.upload(scenarioId, rows(600));
    const budget = { seconds: 8, amountNano: '1500000' };
    const before = await quote(mine, { datasetVersionId: id, budget });
    expect(before).toMatchObject({
      seconds: { basis: 'LIMIT' },
      cost: { capNano: '1500000' },
      expectedScore: { metric: 'rmse', low: 0 },
    });
    const job = await mine.train(id, undefined, budget);
    expect(job).toMatchObject({ state: 'SUCCEEDED', error: null });
    const paid = await bill(mine, scenarioId);
    expect(paid).toBeGreaterThan(0n);
    expect(paid <= BigInt(before.cost.highNano)).toBe(true);
    expect(paid <= 1_500_000n).toBe(true);

    const shown = await mine.run<{ job: { leaderboard: Trial[] } }>(
      `query ($id: ID!) { job(id: $id) { leaderboard {
         rank score low high seconds costNano microsPerRow sizeBytes } } }`,
      { id: job.id },
    );
    const ranked = shown.job.leaderboard.filter(({ rank }) => rank !== null);
    expect(ranked.map(({ rank }) => rank)).toEqual(ranked.map((_, place) => place + 1));
    for (const trial of ranked) {
      for (const figure of [trial.score, trial.low, trial.high, trial.seconds, trial.microsPerRow])
        expect(figure).toEqual(expect.any(Number));
      expect(Number(trial.sizeBytes)).toBeGreaterThan(100);
      expect(BigInt(trial.costNano ?? -1)).toBeGreaterThan(0n);
    }

    const after = await quote(mine, { datasetVersionId: id, budget });
    expect(after.seconds.basis).toBe('PAST');
    expect(after.expectedScoreReason).toContain('1 model version');
    const reached = job.modelVersion?.metrics.test['rmse'] ?? NaN;
    expect(reached).toBeGreaterThan(after.expectedScore?.low ?? NaN);
    expect(reached).toBeLessThan(after.expectedScore?.high ?? NaN);

    const refused = await theirs.ask(
      'query ($input: QuoteTrainingInput!) { quoteTraining(input: $input) { seconds { low } } }',
      { input: { datasetVersionId: id } },
    );
    expect(refused.errors?.[0]?.extensions?.code).toBe('NOT_FOUND');
    expect(await bill(theirs, scenarioId)).toBe(0n);
  });

  it('of one family ends with what it has by then', async () => {
    const { second: theirs } = partners;
    const scenarioId = await theirs.scenario('theirs');
    const { id } = await theirs.upload(scenarioId, rows(600));
    const spec = { family: 'mlp', epochs: 10_000, patience: 0 };
    const budget = { seconds: 6 };
    const { cost } = await quote(theirs, { datasetVersionId: id, spec, budget });
    const job = await theirs.train(id, spec, budget);
    expect(job).toMatchObject({ state: 'SUCCEEDED', error: null });
    const paid = await bill(theirs, scenarioId);
    expect(paid).toBeGreaterThan(0n);
    expect(paid <= BigInt(cost.capNano ?? 0)).toBe(true);
  });

  it.each([
    ['a search', undefined],
    ['trees that would go on', { family: 'trees', trees: 10_000, patience: 0 }],
  ])('ends %s in a model that is paid within the cap, or says what was reached', async (what, spec) => {
    const { first: mine } = partners;
    const scenarioId = await mine.scenario(what);
    const { id } = await mine.upload(scenarioId, rows(2000));
    const budget = { seconds: 3 };
    const job = await mine.train(id, spec, budget);
    // What three seconds of one worker cost; a search may have both.
    const { cost } = await quote(mine, { datasetVersionId: id, spec: { family: 'linear' }, budget });
    const paid = await bill(mine, scenarioId);
    expect(paid <= 2n * BigInt(cost.capNano ?? 0)).toBe(true);
    if (job.state === 'SUCCEEDED') {
      expect(job.modelVersion?.testRows).toBeGreaterThan(0);
      expect(paid).toBeGreaterThan(0n);
    } else {
      // A machine too slow for it: nothing is charged, and the message says how far it came.
      expect(job.error).toMatchObject({
        code: 'BUDGET_SPENT',
        message: expect.stringMatching(/^the budget was spent before the model was made: it was /) as string,
      });
      expect(paid).toBe(0n);
    }
  });

  it('of money holds for a retrain, whose merge is not charged', async () => {
    const { first: mine, second: theirs } = partners;
    const scenarioId = await mine.scenario('again');
    const { id } = await mine.upload(scenarioId, rows(600));
    const first = await mine.train(id, { family: 'linear' });
    const deploymentId = await mine.deploy(first.modelVersion?.id ?? '');
    const { id: predictionId } = await mine.predict(deploymentId, [{ area: 50, age: 10 }]);
    await mine.feedback(predictionId, 0, 48_000);
    const before = await bill(mine, scenarioId);
    const second = await mine.retrain(scenarioId, { amountNano: '600000' });
    expect(second).toMatchObject({ state: 'SUCCEEDED', error: null });
    const paid = (await bill(mine, scenarioId)) - before;
    expect(paid).toBeGreaterThan(0n);
    expect(paid <= 600_000n).toBe(true);
    const refused = await theirs.ask(
      'mutation ($id: ID!) { retrain(scenarioId: $id, budget: { seconds: 5 }) { id } }',
      { id: scenarioId },
    );
    expect(refused.errors?.[0]?.extensions?.code).toBe('NOT_FOUND');
  });

  it('of nothing is refused, with the place', async () => {
    const { first: mine } = partners;
    const { id } = await mine.upload(await mine.scenario('none'), rows(100));
    const refused = await mine.ask(
      'mutation ($input: StartTrainingInput!) { startTraining(input: $input) { id } }',
      { input: { datasetVersionId: id, budget: { seconds: 0 } } },
    );
    expect(refused.errors?.[0]?.extensions).toMatchObject({
      code: 'BAD_INPUT',
      path: ['budget', 'seconds'],
    });
  });
});
