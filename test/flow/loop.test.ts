/** The whole loop once, by two tenants side by side, through the public API of a real platform only. */
import { EvaluationReport } from '../../contracts';
import { eventually, modelOf, startPartners } from './partner';
import type { Job, Partner, Partners, Row, Version } from './partner';

interface UsageDay {
  readonly day: string;
  readonly scenarioId: string | null;
  readonly meter: string;
  readonly quantity: string;
  readonly events: string;
  readonly reason: string;
}

interface Invoice {
  readonly currency: string;
  readonly totalNano: string;
  readonly total: string;
  readonly lines: readonly {
    readonly scenarioId: string | null;
    readonly meter: string;
    readonly reason: string;
    readonly charged: boolean;
    readonly quantity: string;
    readonly amountNano: string;
    readonly price: { readonly amountNano: string; readonly perQuantity: string } | null;
  }[];
}

/** Both have the same columns and nothing else in common: a price level that tells whose model answered. */
const world = (level: number, seed: number): ((count: number) => { row: Row; price: number }[]) => {
  let state = seed;
  const uniform = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
  return (count) =>
    Array.from({ length: count }, () => {
      const area = 30 + Math.round(1200 * uniform()) / 10;
      const age = Math.round(80 * uniform());
      const place = ['town', 'shore', 'hill'][Math.floor(3 * uniform())] ?? 'town';
      const price =
        level * area * (place === 'shore' ? 1.4 : 1) * (1 - age / 300) * (0.97 + 0.06 * uniform());
      return { row: { area, age, place }, price: Math.round(price) };
    });
};
const csv = (rows: readonly { row: Row; price: number }[]): Buffer =>
  Buffer.from(
    `area,age,place,price\n${rows.map(({ row, price }) => [row['area'], row['age'], row['place'], price].join()).join('\n')}\n`,
  );

interface Played {
  readonly partner: Partner;
  readonly scenarioId: string;
  readonly deploymentId: string;
  readonly predictionIds: readonly string[];
  readonly predictions: readonly number[];
  readonly first: Job;
  readonly second: Job;
  readonly sealed: Version;
  readonly merged: Version;
  readonly newRows: number;
  readonly heldOutRows: number;
}

/** Train, deploy, predict in `requests` requests of two rows, say what was true, retrain. */
const play = async (
  partner: Partner,
  make: ReturnType<typeof world>,
  trainOn: number,
  requests: number,
): Promise<Played> => {
  const scenarioId = await partner.scenario('homes');
  const sealed = await partner.upload(scenarioId, csv(make(trainOn)));
  const first = await partner.train(sealed.id, { family: 'mlp', epochs: 15 });
  const deploymentId = await partner.deploy(modelOf(first).id);
  const predictionIds: string[] = [];
  const predictions: number[] = [];
  for (let request = 0; request < requests; request++) {
    const asked = make(2);
    const answer = await partner.predict(
      deploymentId,
      asked.map(({ row }) => row),
    );
    predictionIds.push(answer.id);
    predictions.push(...answer.predictions);
    for (const [row, { price }] of asked.entries()) await partner.feedback(answer.id, row, price);
  }
  // Feedback about rows that were held out from the first training.
  const golden = (await (await fetch(modelOf(first).goldenUrl)).json()) as { rows: Row[]; actuals: number[] };
  const heldOut = golden.rows.slice(0, 5);
  const answer = await partner.predict(deploymentId, heldOut);
  predictionIds.push(answer.id);
  for (const row of heldOut.keys()) await partner.feedback(answer.id, row, golden.actuals[row] ?? NaN);
  const second = await partner.retrain(scenarioId);
  return {
    partner,
    scenarioId,
    deploymentId,
    predictionIds,
    predictions,
    first,
    second,
    sealed,
    merged: await partner.version(second.datasetVersionId),
    newRows: 2 * requests,
    heldOutRows: heldOut.length,
  };
};

let partners: Partners;
let a: Played;
let b: Played;
const startedAt = new Date();
beforeAll(async () => {
  partners = await startPartners();
  [a, b] = await Promise.all([
    play(partners.first, world(3000, 1), 700, 4),
    play(partners.second, world(90, 2), 500, 2),
  ]);
});
afterAll(() => partners.platform.stop());
const both = (): [Played, Played][] => [
  [a, b],
  [b, a],
];

it('each tenant has a model of its own data that beats the mean', () => {
  for (const [own] of both()) {
    const { test, baseline } = modelOf(own.first).metrics;
    expect(test['rmse']).toBeLessThan((baseline['rmse'] ?? 0) / 2);
  }
  // The levels are 33 times apart: an answer from the other's model would show.
  expect(Math.min(...a.predictions)).toBeGreaterThan(30_000);
  expect(Math.max(...b.predictions)).toBeLessThan(30_000);
});

it('a model comes with its report and its card', async () => {
  for (const [{ first }] of both()) {
    const { evaluationUrl, cardUrl, metrics, testRows } = modelOf(first);
    const report = EvaluationReport.parse(await (await fetch(evaluationUrl ?? '')).json());
    expect(report.rows).toEqual({ of: 'test', count: testRows });
    expect(report.metrics['rmse']?.value).toBeCloseTo(metrics.test['rmse'] ?? NaN, 6);
    expect(await (await fetch(cardUrl ?? '')).text()).toContain(String(testRows));
  }
});

it('held-out rows never enter a training', () => {
  for (const [{ first, second, sealed, merged, newRows, heldOutRows }] of both()) {
    for (const [job, version] of [
      [first, sealed],
      [second, merged],
    ] as const) {
      const { trainRows, validationRows, testRows } = modelOf(job);
      expect(testRows).toBe(Number(version.holdoutRows));
      expect(trainRows + validationRows).toBe(Number(version.rows) - Number(version.holdoutRows));
    }
    expect(Number(merged.rows)).toBe(Number(sealed.rows) + newRows + heldOutRows);
    // What came back about held-out rows is held out too; only new rows may have joined the others.
    expect(Number(merged.holdoutRows)).toBeGreaterThanOrEqual(Number(sealed.holdoutRows) + heldOutRows);
    expect(Number(merged.holdoutRows)).toBeLessThanOrEqual(
      Number(sealed.holdoutRows) + heldOutRows + newRows,
    );
  }
});

it('a retrain compares old and new on the same held-out rows', () => {
  for (const [{ second, merged }] of both()) {
    const { comparison } = second;
    if (comparison === null) throw new Error('no comparison');
    expect(comparison.rows).toBe(Number(merged.holdoutRows));
    expect(comparison.challenger).toBeCloseTo(modelOf(second).metrics.test['rmse'] ?? NaN, 3);
    expect(comparison.difference).toBeCloseTo(comparison.challenger - comparison.champion, 6);
    expect(comparison.low).toBeLessThanOrEqual(comparison.difference);
    expect(comparison.high).toBeGreaterThanOrEqual(comparison.difference);
  }
});

it('nothing of one tenant is there for the other', async () => {
  for (const [own, other] of both()) {
    const ids: [string, string][] = [
      ['scenario(id: $id) { id }', other.scenarioId],
      ['datasetVersion(id: $id) { id }', other.sealed.id],
      ['datasetVersion(id: $id) { id }', other.merged.id],
      ['modelVersion(id: $id) { id }', modelOf(other.first).id],
      ['deployment(id: $id) { id }', other.deploymentId],
      ['prediction(id: $id) { id }', other.predictionIds[0] ?? ''],
      ['quality(scenarioId: $id) { rows }', other.scenarioId],
      ['predict(deploymentId: $id, rows: [{}]) { id }', other.deploymentId],
    ];
    for (const [field, id] of ids) {
      const answer = await own.partner.ask(`query ($id: ID!) { ${field} }`, { id });
      expect([field, answer.errors?.[0]?.extensions?.code]).toEqual([field, 'NOT_FOUND']);
    }
    const lists = await own.partner.run<Record<string, { edges: { node: { id: string } }[] }>>(
      `{ scenarios { edges { node { id } } } jobs { edges { node { id } } }
         deployments { edges { node { id } } } models { edges { node { id } } } }`,
    );
    expect(lists['scenarios']?.edges.map(({ node }) => node.id)).toEqual([own.scenarioId]);
    expect(lists['jobs']?.edges).toHaveLength(2);
    expect(lists['deployments']?.edges.map(({ node }) => node.id)).toEqual([own.deploymentId]);
    expect(lists['models']?.edges).toHaveLength(1);
  }
});

const usageOf = async (partner: Partner, from: Date, to: Date): Promise<UsageDay[]> => {
  const { usage } = await partner.run<{ usage: { days: UsageDay[] } }>(
    `query ($from: DateTimeISO!, $to: DateTimeISO!) {
       usage(from: $from, to: $to) { days { day scenarioId meter quantity events reason } }
     }`,
    { from: from.toISOString(), to: to.toISOString() },
  );
  return usage.days;
};

const sumOf = (days: readonly UsageDay[], meter: string, field: 'quantity' | 'events' = 'quantity'): bigint =>
  days.filter((day) => day.meter === meter).reduce((sum, day) => sum + BigInt(day[field]), 0n);

/** Nearest integer, ties to the even one; written differently from the platform's own on purpose. */
const halfEven = (numerator: bigint, denominator: bigint): bigint => {
  const floor = numerator / denominator;
  const rest = numerator - floor * denominator;
  if (rest + rest === denominator) return floor + (floor & 1n);
  return rest + rest > denominator ? floor + 1n : floor;
};

/** The standard plan as it is published: nano dollars for so many base units. */
const PRICES: Readonly<Record<string, readonly [bigint, bigint]>> = {
  predictions: [20_000_000n, 1000n],
  prediction_rows: [50_000_000n, 1000n],
  prediction_compute_ns: [300_000_000n, 3_600_000_000_000n],
  training_cpu_ns: [400_000_000n, 3_600_000_000_000n],
  training_gpu_ns: [2_500_000_000n, 3_600_000_000_000n],
  storage_byte_ms: [25_000_000n, 1_000_000_000n * 30n * 86_400_000n],
};

it('what each used is counted exactly, and the invoice is its arithmetic', async () => {
  for (const [own] of both()) {
    const rows = BigInt(own.newRows + own.heldOutRows);
    await eventually(
      () => usageOf(own.partner, startedAt, new Date(Date.now() + 1000)),
      (days) => sumOf(days, 'prediction_rows') >= rows,
    );
    // A period that has passed: both answers are about the very same usage.
    const to = new Date();
    await new Promise((resolve) => setTimeout(resolve, 50));
    const days = await usageOf(own.partner, startedAt, to);
    expect(new Set(days.map((day) => day.scenarioId))).toEqual(new Set([own.scenarioId]));
    expect(sumOf(days, 'predictions')).toBe(BigInt(own.predictionIds.length));
    expect(sumOf(days, 'prediction_rows')).toBe(rows);
    expect(sumOf(days, 'training_cpu_ns', 'events')).toBe(2n);
    expect(sumOf(days, 'storage_byte_ms')).toBeGreaterThan(0n);

    const { invoicePreview } = await own.partner.run<{ invoicePreview: Invoice }>(
      `query ($from: DateTimeISO!, $to: DateTimeISO!) { invoicePreview(from: $from, to: $to) {
         currency totalNano total
         lines { scenarioId meter reason charged quantity amountNano price { amountNano perQuantity } }
       } }`,
      { from: startedAt.toISOString(), to: to.toISOString() },
    );
    const meters = [...new Set(days.filter((day) => day.reason === 'billable').map((day) => day.meter))];
    const expected = meters.map((meter) => {
      const [amountNano, perQuantity] = PRICES[meter] ?? [0n, 1n];
      const quantity = sumOf(days, meter);
      return {
        scenarioId: own.scenarioId,
        meter,
        reason: 'billable',
        charged: true,
        quantity: String(quantity),
        amountNano: String(halfEven(quantity * amountNano, perQuantity)),
        price: { amountNano: String(amountNano), perQuantity: String(perQuantity) },
      };
    });
    const byMeter = (x: { meter: string }, y: { meter: string }): number => (x.meter < y.meter ? -1 : 1);
    expect([...invoicePreview.lines].sort(byMeter)).toEqual(expected.sort(byMeter));
    const total = expected.reduce((sum, line) => sum + BigInt(line.amountNano), 0n);
    expect(invoicePreview.totalNano).toBe(String(total));
    expect(Number(invoicePreview.total)).toBeCloseTo(Number(total) / 1e9, 9);
    expect(invoicePreview.currency).toBe('USD');
  }
});
