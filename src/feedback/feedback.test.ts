import { pino } from 'pino';
import type { DeploymentId, PredictionId, ScenarioId, TaskId } from '../../contracts';
import { constant, input, modelBytes, op, tensor } from '../../onnx';
import { LogPacker } from '../inference';
import { linearModel } from '../inference/testing/models';
import { codeOf, column, startStack, until } from '../inference/testing/stack';
import type { Stack } from '../inference/testing/stack';
import type { TenantContext } from '../platform/context';
import { newId } from '../platform/ids';
import { ObjectCatalogue } from '../platform/object-store';
import { TaskQueue } from '../platform/task';
import type { FeedbackRequest } from './feedback.service';

let stack: Stack;
let ctx: TenantContext;
let scenarioId: ScenarioId;
let deploymentId: DeploymentId;

beforeAll(async () => {
  stack = await startStack();
  ctx = await stack.tenant();
  scenarioId = await stack.scenario(ctx);
  const version = await stack.version(ctx, scenarioId, { onnx: linearModel(2) });
  ({ id: deploymentId } = await stack.deploy(ctx, version));
});
afterAll(() => stack.stop());

const ask = (rows: unknown[], at = deploymentId, scope = ctx) =>
  stack.predictions.predict(scope, { deploymentId: at, rows });
const submit = async (request: FeedbackRequest, scope = ctx) => {
  const prepared = await stack.feedback.prepare(scope, request);
  return stack.db.within(scope, (tx) => stack.feedback.record(scope, tx, prepared));
};
const exported = (scenario = scenarioId, scope = ctx) =>
  stack.db.within(scope, async (tx) => {
    const rows = [];
    for await (const row of stack.feedback.export(tx, scope, scenario)) rows.push(row);
    return rows;
  });

describe('feedback', () => {
  test('says once what turned out to be true, can be corrected, and becomes quality and training rows', async () => {
    const { id } = await ask([{ x: 1 }, { x: 2 }, { x: 3 }]); // 3, 5, 7
    expect(await submit({ predictionId: id, row: 0, actual: 4 })).toMatchObject({
      revision: 1,
      predicted: 3,
      actual: 4,
    });
    expect(await submit({ predictionId: id, row: 0, actual: '4' })).toMatchObject({ revision: 1 });
    expect(await submit({ predictionId: id, row: 1, actual: 100 })).toMatchObject({ revision: 1 });
    expect(await submit({ predictionId: id, row: 1, actual: 3 })).toMatchObject({ revision: 2 });
    const { id: again } = await ask([{ x: 10 }]); // 21
    await submit({ predictionId: again, row: 0, actual: 24 });

    const quality = await stack.feedback.quality(ctx, scenarioId);
    // Errors 1, 2 and 3: an independent reckoning.
    expect(quality.rows).toBe(3);
    expect(quality.metrics['mae']).toBeCloseTo(2, 12);
    expect(quality.metrics['rmse']).toBeCloseTo(Math.sqrt(14 / 3), 12);
    const mean = 31 / 3;
    const variance = [4, 3, 24].reduce((sum, y) => sum + (y - mean) ** 2, 0) / 3;
    expect(quality.metrics['r2']).toBeCloseTo(1 - 14 / 3 / variance, 12);
    expect(quality.byVersion).toHaveLength(1);
    expect(quality.byVersion[0]?.metrics).toEqual(quality.metrics);

    expect(await exported()).toEqual([
      { values: { x: 1 }, actual: 4 },
      { values: { x: 2 }, actual: 3 },
      { values: { x: 10 }, actual: 24 },
    ]);
  });

  test('on a row with windows keeps them, and becomes a training row of its own cells', async () => {
    const windows = await stack.scenario(ctx);
    const x = input('x', 'float64', ['n', 3]);
    const onnx = modelBytes({
      name: 'test',
      inputs: [x],
      outputs: { prediction: op.Cast(op.ReduceSum(x, { axes: [1] }), 'float32') },
    });
    const signature = { inputs: [{ ...column('x', 'number'), window: 3 }] };
    const { id: at } = await stack.deploy(ctx, await stack.version(ctx, windows, { onnx, signature }));
    const { id, outputs } = await ask([{ x: [1, 2, '3,000'] }], at);
    expect(outputs[0]?.prediction).toBe(3003);
    await submit({ predictionId: id, row: 0, actual: 4 });
    expect((await stack.predictionLog.get(ctx, id)).rows).toEqual([{ x: [1, 2, '3,000'] }]);
    expect(await exported(windows)).toEqual([{ values: { x: '3,000' }, actual: 4 }]);
  });

  test('is refused where it names nothing, and is each tenant’s own', async () => {
    const { id } = await ask([{ x: 1 }]);
    const other = await stack.tenant();
    expect(await codeOf(submit({ predictionId: newId<PredictionId>(), row: 0, actual: 1 }))).toBe(
      'NOT_FOUND',
    );
    expect(await codeOf(submit({ predictionId: id, row: 0, actual: 1 }, other))).toBe('NOT_FOUND');
    expect(await codeOf(submit({ predictionId: id, row: 1, actual: 1 }))).toBe('BAD_INPUT');
    expect(await codeOf(submit({ predictionId: id, row: 0, actual: 'dear' }))).toBe('WRONG_TYPE');
    expect(await codeOf(stack.feedback.quality(other, scenarioId))).toBe('NOT_FOUND');
    expect(await exported(scenarioId, other)).toEqual([]);
  });

  test('of five who say the same at once one is heard', async () => {
    const { id } = await ask([{ x: 1 }]);
    const all = await Promise.all([1, 2, 3, 4, 5].map(() => submit({ predictionId: id, row: 0, actual: 8 })));
    expect(all.map((feedback) => feedback.revision)).toEqual([1, 1, 1, 1, 1]);
  });

  test('carries its own row where the scenario keeps no log, and nothing is kept of the request', async () => {
    const quiet = await stack.scenario(ctx);
    await stack.superuser.query('update app.scenario set log_enabled = false where id = $1', [quiet]);
    const version = await stack.version(ctx, quiet, { onnx: linearModel(2) });
    const { id: at } = await stack.deploy(ctx, version);
    const { id } = await ask([{ x: 5 }], at);
    await until(async () => (await codeOf(stack.predictionLog.get(ctx, id))) === 'answered');
    expect((await stack.predictionLog.get(ctx, id)).rows).toBeNull();
    expect(await codeOf(submit({ predictionId: id, row: 0, actual: 12 }))).toBe('FEEDBACK_NEEDS_ROW');
    expect(await submit({ predictionId: id, row: 0, actual: 12, values: { x: 5 } })).toMatchObject({
      predicted: 11,
      actual: 12,
    });
    expect(await exported(quiet)).toEqual([{ values: { x: 5 }, actual: 12 }]);
  });

  test('leaves out the columns that the scenario leaves out, and samples by request', async () => {
    const shy = await stack.scenario(ctx);
    await stack.superuser.query(`update app.scenario set log_left_out = '{x}' where id = $1`, [shy]);
    const { id: at } = await stack.deploy(ctx, await stack.version(ctx, shy, { onnx: linearModel(2) }));
    const { id } = await ask([{ x: 5 }], at);
    expect((await stack.predictionLog.get(ctx, id)).rows).toEqual([{}]);
    const half = await stack.scenario(ctx);
    await stack.superuser.query('update app.scenario set log_sampling = 0.5 where id = $1', [half]);
    const { id: sampled } = await stack.deploy(ctx, await stack.version(ctx, half, { onnx: linearModel(2) }));
    const answers = await Promise.all(Array.from({ length: 60 }, (_, i) => ask([{ x: i }], sampled)));
    const logged = await Promise.all(
      answers.map(async (answer) => (await stack.predictionLog.get(ctx, answer.id)).rows),
    );
    const kept = logged.filter((rows) => rows !== null).length;
    expect(kept).toBeGreaterThan(10);
    expect(kept).toBeLessThan(50);
  });

  test('of a classification names one of its classes; accuracy, F1 and log loss follow', async () => {
    const kinds = await stack.scenario(ctx, 'classification');
    const x = input('x', 'float64', ['n']);
    const label = op.IntToString(op.Cast(op.Greater(x, 0), 'int64'), [0, 1], ['no', 'yes'], 'no');
    const p = op.Unsqueeze(op.Where(op.Greater(x, 0), 0.9, constant(tensor('float32', [0.2], []))), [1]);
    const onnx = modelBytes({
      name: 'test',
      inputs: [x],
      outputs: { prediction: label, probabilities: op.Concat([op.Sub(1, p), p], 1) },
    });
    const made = await stack.version(ctx, kinds, {
      onnx,
      signature: {
        task: 'classification',
        classes: ['no', 'yes'],
        outputs: ['prediction', 'probabilities'],
        inputs: [column('x', 'number')],
      },
    });
    const { id: at } = await stack.deploy(ctx, made);
    const answer = await ask([{ x: 1 }, { x: 2 }, { x: -1 }, { x: -2 }], at);
    expect(answer.outputs.map((output) => output.prediction)).toEqual(['yes', 'yes', 'no', 'no']);
    expect(answer.outputs[0]?.probabilities?.[1]).toBeCloseTo(0.9);
    expect(await codeOf(submit({ predictionId: answer.id, row: 0, actual: 'perhaps' }))).toBe(
      'UNKNOWN_CATEGORY',
    );
    for (const [row, actual] of ['YES', 'no', 'no', 'no'].entries())
      await submit({ predictionId: answer.id, row, actual });
    const { metrics, rows } = await stack.feedback.quality(ctx, kinds);
    expect(rows).toBe(4);
    expect(metrics['accuracy']).toBe(0.75);
    expect(metrics['f1Macro']).toBeCloseTo((2 / 3 + 4 / 5) / 2, 12);
    expect(metrics['logLoss']).toBeCloseTo(-(Math.log(0.9) + Math.log(0.1) + 2 * Math.log(0.8)) / 4, 6);
  });
});

test('the log becomes the tenant’s own file, is billed as storage, and goes when its time has passed', async () => {
  const mine = await stack.tenant();
  const scenario = await stack.scenario(mine);
  const { id: at } = await stack.deploy(mine, await stack.version(mine, scenario, { onnx: linearModel(2) }));
  const answers = await Promise.all(
    Array.from({ length: 5 }, (_, i) => ask([{ x: i }, { x: -i }], at, mine)),
  );
  for (const { id } of answers) await stack.predictionLog.get(mine, id);
  const log = pino({ level: 'silent' });
  const catalogue = new ObjectCatalogue(stack.db, stack.store, log);
  const tasks = new TaskQueue(stack.db, stack.messaging, log, {
    leaseMs: 5000,
    heartbeatMs: 500,
    timeoutMs: 60_000,
  });
  const packer = new LogPacker(
    {
      db: stack.db,
      store: stack.store,
      catalogue,
      signedUrls: stack.signedUrls,
      tasks,
      usage: stack.usage,
      log,
    },
    { atPredictions: 5, atAgeMs: 3_600_000, sweepMs: 3_600_000 },
  );
  tasks.register(packer);
  await packer.sweep();
  await packer.sweep(); // nothing twice
  const packs = () =>
    stack.db.within(mine, (tx) =>
      tx.query<{ id: string; state: string; rows: number; rows_key: string }[]>(
        'select * from app.prediction_pack',
      ),
    );
  const [pack, ...more] = await packs();
  expect(more).toEqual([]);
  expect(pack).toMatchObject({ state: 'PENDING', rows: 10 });
  // What a worker would do with it: the claim's payload, a stored file, the settled task.
  const [task] = await stack.db.within(mine, (tx) => tx.query<{ id: TaskId }[]>('select id from app.task'));
  const owned = {
    tenantId: mine.tenantId,
    id: task?.id,
    ownerId: pack?.id ?? '',
    scenarioId: scenario,
  };
  const given = owned as Parameters<LogPacker['payload']>[1];
  const payload = await stack.db.within(mine, (tx) => packer.payload(tx, given));
  expect(payload.rows.sizeBytes).toBeGreaterThan(100);
  const lines: Buffer[] = [];
  for await (const chunk of await stack.store.get(pack?.rows_key as Parameters<typeof stack.store.get>[0]))
    lines.push(chunk as Buffer);
  const parsed = Buffer.concat(lines)
    .toString()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { values: unknown });
  expect(parsed).toHaveLength(10);
  expect(parsed[0]).toMatchObject({ row: 0, values: { x: 0 }, prediction: 1 });
  const { Readable } = await import('node:stream');
  const key = payload.packed.key as Parameters<typeof stack.store.put>[0];
  const stored = await stack.store.put(key, Readable.from([Buffer.from('PAR1')]), { maxBytes: 100 });
  await stack.db.within(mine, (tx) => catalogue.markStored(tx, key, stored));
  await stack.db.within(mine, (tx) =>
    packer.finished(
      tx,
      given,
      { kind: 'pack', rows: 10, packed: { key, ...stored } },
      { device: 'cpu', computeNs: '0' },
    ),
  );
  expect((await packs())[0]).toMatchObject({ state: 'SEALED' });
  const { sum } = (
    await stack.db.within(mine, (tx) =>
      tx.query<{ sum: string }[]>('select sum(bytes_delta)::text from app.usage_event'),
    )
  )[0];
  expect(sum).toBe('4');
  // Years later.
  await stack.superuser.query(
    `update app.prediction set at = at - interval '400 days' where tenant_id = $1`,
    [mine.tenantId],
  );
  await stack.superuser.query(
    `update app.prediction_pack set last_at = last_at - interval '400 days' where tenant_id = $1`,
    [mine.tenantId],
  );
  await packer.sweep();
  expect(await packs()).toEqual([]);
  expect((await stack.predictionLog.get(mine, answers[0]?.id)).rows).toBeNull();
  await catalogue.sweep();
  expect(await stack.store.head(key)).toBeNull();
  await catalogue.stop();
});
