import type { DeploymentId, ModelVersionId, ScenarioId } from '../../contracts';
import { Failure } from '../../contracts';
import { input, modelBytes, op } from '../../onnx';
import type { TenantContext } from '../platform/context';
import { newId } from '../platform/ids';
import { endlessModel, linearModel, pickyModel } from './testing/models';
import { codeOf, column, startStack, until } from './testing/stack';
import type { Stack } from './testing/stack';

let stack: Stack;
let ctx: TenantContext;
let other: TenantContext;
let scenarioId: ScenarioId;
let version: ModelVersionId;
let deploymentId: DeploymentId;

const golden = {
  v: 1 as const,
  rows: [{ x: 2 }, { x: '1,000' }],
  predictions: [5, 2001],
  probabilities: null,
};
const period = () => ({ from: new Date(Date.now() - 86_400_000), to: new Date(Date.now() + 86_400_000) });
const counted = async (scope: TenantContext, meter: string, reason = 'billable') =>
  (await stack.usage.byDay(scope, period()))
    .filter((day) => day.meter === meter && day.reason === reason)
    .reduce((sum, day) => sum + day.quantity, 0n);
const ask = (rows: unknown[], more: { requestId?: string } = {}, at = deploymentId, scope = ctx) =>
  stack.predictions.predict(scope, { deploymentId: at, rows, ...more });

/** A deployment that answers a row with so many steps. */
const forecast = async (scope: TenantContext, within: ScenarioId, horizon: number): Promise<DeploymentId> => {
  const x = input('x', 'float64', ['n']);
  const prediction = op.Expand(op.Reshape(op.Cast(x, 'float32'), ['n', 1, 1]), [1, horizon, 1]);
  const quantiles = op.Reshape(prediction, ['n', horizon, 1, 1]);
  const onnx = modelBytes({ name: 'test', inputs: [x], outputs: { prediction, quantiles } });
  const made = await stack.version(scope, within, {
    onnx,
    signature: {
      task: 'forecast',
      horizon,
      targets: ['y'],
      levels: [0.5],
      outputs: ['prediction', 'quantiles'],
    },
  });
  return (await stack.deploy(scope, made)).id;
};

beforeAll(async () => {
  stack = await startStack();
  [ctx, other] = [await stack.tenant(), await stack.tenant()];
  scenarioId = await stack.scenario(ctx);
  version = await stack.version(ctx, scenarioId, { onnx: linearModel(2), golden });
  const deployment = await stack.deploy(ctx, version, 'prices');
  expect(deployment.state).toBe('READY');
  deploymentId = deployment.id;
});
afterAll(() => stack.stop());

describe('a prediction', () => {
  test('is answered from raw values, counted once, and can be looked up', async () => {
    const before = await counted(ctx, 'prediction_rows');
    const answer = await ask([{ x: 3 }, { x: '1,234.5' }]);
    expect(answer.outputs.map((output) => output.prediction)).toEqual([7, 2470]);
    const found = await stack.predictionLog.get(ctx, answer.id);
    expect(found.rows).toEqual([{ x: 3 }, { x: '1,234.5' }]);
    expect(found.outputs).toEqual(answer.outputs);
    expect(await counted(ctx, 'prediction_rows')).toBe(before + 2n);
    // Another tenant's id is not there.
    expect(await codeOf(stack.predictionLog.get(other, answer.id, 100))).toBe('NOT_FOUND');
    expect(await codeOf(ask([{ x: 1 }], {}, deploymentId, other))).toBe('NOT_FOUND');
    expect(await counted(other, 'prediction_rows')).toBe(0n);
  });

  test('with the caller’s own key is counted once however often it is asked', async () => {
    const before = await counted(ctx, 'predictions');
    const answers = await Promise.all([1, 2, 3].map(() => ask([{ x: 9 }], { requestId: 'order-1' })));
    expect(new Set(answers.map((answer) => answer.id)).size).toBe(1);
    expect((await stack.predictionLog.get(ctx, answers[0]?.id)).rows).toEqual([{ x: 9 }]);
    expect(await counted(ctx, 'predictions')).toBe(before + 1n);
    expect(await codeOf(ask([{ x: 10 }], { requestId: 'order-1' }))).toBe('IDEMPOTENCY_CONFLICT');
    expect(await codeOf(ask([{ x: 10 }], { requestId: 'a b' }))).toBe('BAD_INPUT');
  });

  test('touches no database: it goes on while PostgreSQL cannot be asked', async () => {
    await ask([{ x: 1 }]);
    const within = jest.spyOn(stack.db, 'within').mockRejectedValue(new Failure('UNAVAILABLE', 'away'));
    try {
      const until_ = Date.now() + 4000; // longer than the quiet refresh of routes
      let answered = 0;
      while (Date.now() < until_) {
        expect((await ask([{ x: 1 }])).outputs[0]?.prediction).toBe(3);
        answered++;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      expect(answered).toBeGreaterThan(40);
      expect(within.mock.calls.length).toBeLessThan(answered);
    } finally {
      within.mockRestore();
    }
  });

  test('each wrong input has its own answer, with its place', async () => {
    const wrong = async (rows: unknown[]) => {
      try {
        await ask(rows);
        return null;
      } catch (error) {
        const { code, path, hint } = error as Failure;
        return { code, path, hint };
      }
    };
    expect(await wrong([{ x: 1 }, { x: 1, size: 2 }])).toMatchObject({
      code: 'UNKNOWN_COLUMN',
      path: ['rows', 1, 'size'],
      hint: 'the model takes: x',
    });
    expect(await wrong([{ X: 1 }])).toMatchObject({
      code: 'UNKNOWN_COLUMN',
      hint: expect.stringMatching('did you mean x') as string,
    });
    expect(await wrong([{ x: 1, y: 2 }])).toMatchObject({
      code: 'UNKNOWN_COLUMN',
      hint: expect.stringMatching('predicts') as string,
    });
    expect(await wrong([{}])).toMatchObject({ code: 'MISSING_COLUMN', path: ['rows', 0, 'x'] });
    expect(await wrong([{ x: 'many' }])).toMatchObject({ code: 'WRONG_TYPE', path: ['rows', 0, 'x'] });
    expect(await wrong([{ x: [1] }])).toMatchObject({ code: 'WRONG_TYPE' });
    expect(await wrong([{ x: true }])).toMatchObject({ code: 'WRONG_TYPE' });
    expect(await wrong(['x'])).toMatchObject({ code: 'WRONG_TYPE', path: ['rows', 0] });
    expect(await wrong([{ x: Infinity }])).toMatchObject({ code: 'NOT_FINITE' });
    expect(await wrong([])).toMatchObject({ code: 'BAD_INPUT', path: ['rows'] });
    expect(await wrong(new Array(1001).fill({ x: 1 }))).toMatchObject({ code: 'TOO_MANY_ROWS' });
    expect(await wrong([{ x: 'x'.repeat(2 ** 20 + 1) }])).toMatchObject({ code: 'CELL_TOO_LARGE' });
    expect(await wrong([JSON.parse('{"x": 1, "__proto__": 2}')])).toMatchObject({ code: 'UNKNOWN_COLUMN' });
    // A missing value is not a missing column; this model passes it through and is refused for its answer.
    expect(await wrong([{ x: null }])).toMatchObject({ code: 'MODEL_FAILED' });
  });

  test('a category that was never seen is refused, or asked for as «other»', async () => {
    const color = input('color', 'string', ['n']);
    const onnx = modelBytes({
      name: 'test',
      inputs: [color],
      outputs: { prediction: op.Cast(op.StringToInt(color, ['red', 'blue'], [1, 2], 0), 'float32') },
    });
    const made = await stack.version(ctx, scenarioId, {
      onnx,
      signature: { inputs: [{ ...column('color', 'category'), known: ['red', 'blue'] }] },
    });
    const { id } = await stack.deploy(ctx, made);
    const reject = stack.predictions.predict(ctx, { deploymentId: id, rows: [{ color: 'green' }] });
    await expect(reject).rejects.toMatchObject({
      code: 'UNKNOWN_CATEGORY',
      path: ['rows', 0, 'color'],
      hint: expect.stringMatching('known: red, blue') as string,
    });
    const answer = await stack.predictions.predict(ctx, {
      deploymentId: id,
      rows: [{ color: 'green' }, { color: 'blue' }],
      onUnknownCategory: 'USE_OTHER',
    });
    expect(answer.outputs.map((output) => output.prediction)).toEqual([0, 2]);
  });

  test('is in the log, or is refused before it is answered', async () => {
    const [long, longer] = [await forecast(ctx, scenarioId, 20_000), await forecast(ctx, scenarioId, 50_000)];
    const answer = await ask([{ x: 0.1 }, { x: 0.3 }], {}, long);
    const logged = await stack.predictionLog.get(ctx, answer.id);
    expect(logged.outputs?.map(({ forecast }) => forecast?.prediction)).toEqual(
      answer.outputs.map(({ forecast }) => forecast?.prediction),
    );
    const before = await counted(ctx, 'predictions');
    await expect(ask([{ x: 0.1 }], {}, longer)).rejects.toMatchObject({
      code: 'PAYLOAD_TOO_LARGE',
      path: ['rows', 0],
    });
    await stack.predictionLog.get(ctx, (await ask([{ x: 1 }])).id);
    expect(await counted(ctx, 'predictions')).toBe(before + 1n);
  });

  test('too large to be logged is refused however little of the log is kept, and its work is recorded', async () => {
    const failed = (scope: TenantContext, meter: string) => counted(scope, meter, 'failed');
    for (const [sampling, requests] of [
      [0, 2],
      [0.5, 6],
    ] as const) {
      const [mine, theirs] = [await stack.tenant(), await stack.tenant()];
      const [sampled, unlogged] = [await stack.scenario(mine), await stack.scenario(theirs)];
      await stack.superuser.query('update app.scenario set log_sampling = $2 where id = $1', [
        sampled,
        sampling,
      ]);
      await stack.superuser.query('update app.scenario set log_enabled = false where id = $1', [unlogged]);
      const [at, elsewhere] = [
        await forecast(mine, sampled, 50_000),
        await forecast(theirs, unlogged, 50_000),
      ];
      for (let i = 0; i < requests; i++) {
        const requestId = `large-${i}`;
        expect(await codeOf(ask([{ x: 0.1 }], { requestId }, at, mine))).toBe('PAYLOAD_TOO_LARGE');
        // Who keeps no log is answered.
        expect(await codeOf(ask([{ x: 0.1 }], { requestId }, elsewhere, theirs))).toBe('answered');
      }
      await until(async () => (await failed(mine, 'predictions')) === BigInt(requests));
      expect(await failed(mine, 'prediction_rows')).toBe(BigInt(requests));
      expect(await failed(mine, 'prediction_compute_ns')).toBeGreaterThan(0n);
      expect(await counted(mine, 'predictions')).toBe(0n);
      await until(async () => (await counted(theirs, 'predictions')) === BigInt(requests));
      expect(await failed(theirs, 'predictions')).toBe(0n);
    }
  });

  test('what fails through the platform is recorded and costs nothing', async () => {
    const made = await stack.version(ctx, scenarioId, { onnx: pickyModel() });
    const { id } = await stack.deploy(ctx, made);
    const billable = await counted(ctx, 'predictions');
    expect(await codeOf(ask([{ x: -1 }], {}, id))).toBe('MODEL_FAILED');
    await until(async () => (await counted(ctx, 'predictions', 'platform_fault')) > 0n);
    expect(await counted(ctx, 'predictions')).toBe(billable);
  });
});

describe('a deployment', () => {
  test('becomes ready only when its golden rows are answered as recorded', async () => {
    const wrong = await stack.version(ctx, scenarioId, { onnx: linearModel(3), golden });
    const deployment = await stack.deploy(ctx, wrong, 'wrong');
    expect(deployment.state).toBe('FAILED');
    const [revision] = await stack.deployments.revisions(ctx, deployment.id);
    expect(revision).toMatchObject({ state: 'FAILED', failureCode: 'VERIFY_FAILED' });
    expect(await codeOf(ask([{ x: 1 }], {}, deployment.id))).toBe('DEPLOYMENT_NOT_READY');
    const endless = await stack.version(ctx, scenarioId, { onnx: endlessModel(), golden });
    const hung = await stack.deploy(ctx, endless, 'hung');
    expect((await stack.deployments.revisions(ctx, hung.id))[0]).toMatchObject({
      failureCode: 'MODEL_TIMEOUT',
    });
  });

  test('moves to another version under the same id; a bad one leaves the good one answering', async () => {
    const first = await stack.version(ctx, scenarioId, { onnx: linearModel(10) });
    const second = await stack.version(ctx, scenarioId, { onnx: linearModel(20) });
    const bad = await stack.version(ctx, scenarioId, { onnx: linearModel(30), golden });
    const { id } = await stack.deploy(ctx, first, 'moving');
    expect((await ask([{ x: 1 }], {}, id)).outputs[0]?.prediction).toBe(11);
    const moved = await stack.deploy(ctx, second, 'moving');
    expect(moved).toMatchObject({ id, state: 'READY', modelVersionId: second });
    await until(async () => (await ask([{ x: 1 }], {}, id)).outputs[0]?.prediction === 21, 1000);
    const stayed = await stack.deploy(ctx, bad, 'moving');
    expect(stayed).toMatchObject({ id, state: 'READY', modelVersionId: second });
    expect((await ask([{ x: 1 }], {}, id)).outputs[0]?.prediction).toBe(21);
    expect(await stack.db.within(ctx, (tx) => stack.deployments.current(tx, ctx, scenarioId))).toBe(second);

    await stack.db.within(ctx, (tx) => stack.deployments.stop(ctx, tx, id));
    await until(async () => (await codeOf(ask([{ x: 1 }], {}, id))) === 'DEPLOYMENT_NOT_READY', 1000);
    expect(await stack.deploy(ctx, first, 'moving')).toMatchObject({ id, state: 'READY' });
    expect((await stack.deployments.revisions(ctx, id)).map((revision) => revision.state)).toEqual([
      'READY',
      'FAILED',
      'RETIRED',
      'RETIRED',
    ]);
  });

  test('is nobody else’s: foreign ids are not found, names are each tenant’s own', async () => {
    const theirs = await stack.scenario(other);
    const made = await stack.version(other, theirs, { onnx: linearModel(4) });
    const deployment = await stack.deploy(other, made, 'prices');
    expect(deployment.id).not.toBe(deploymentId);
    expect(await codeOf(stack.deployments.get(ctx, deployment.id))).toBe('NOT_FOUND');
    expect(await codeOf(stack.deploy(other, version, 'stolen'))).toBe('NOT_FOUND');
    expect(
      await codeOf(stack.db.within(other, (tx) => stack.deployments.stop(other, tx, deploymentId))),
    ).toBe('NOT_FOUND');
    const page = { limit: 10, after: null };
    expect((await stack.deployments.list(other, null, page)).items.map(({ id }) => id)).toEqual([
      deployment.id,
    ]);
    expect((await stack.deployments.list(other, theirs, page)).items).toHaveLength(1);
    expect(await codeOf(stack.deployments.list(other, scenarioId, page))).toBe('NOT_FOUND');
    expect(await codeOf(stack.usage.byDay(other, period(), scenarioId))).toBe('NOT_FOUND');
    expect((await stack.usage.byDay(ctx, period(), scenarioId)).length).toBeGreaterThan(0);
    const elsewhere = await stack.version(ctx, await stack.scenario(ctx), { onnx: linearModel(5) });
    expect(await codeOf(stack.deploy(ctx, elsewhere, 'prices'))).toBe('CONFLICT');
    expect(await codeOf(stack.deploy(ctx, version, 'No Good'))).toBe('BAD_INPUT');
  });

  test('changes its state only along the allowed ways, in the database too', async () => {
    await expect(
      stack.db.within(ctx, (tx) =>
        tx.query(`update app.deployment set state = 'STARTING' where id = $1`, [deploymentId]),
      ),
    ).rejects.toThrow(/cannot go from READY to STARTING/);
  });
});

test('when the stream is away nothing is given away, and when it is back everything adds up', async () => {
  const mine = await stack.tenant();
  const made = await stack.version(mine, await stack.scenario(mine), { onnx: linearModel(7) });
  const { id } = await stack.deploy(mine, made);
  expect((await ask([{ x: 1 }], {}, id, mine)).outputs[0]?.prediction).toBe(8);
  await stack.nats.kill();
  const refused = await Promise.all([1, 2, 3].map(() => codeOf(ask([{ x: 1 }], {}, id, mine))));
  expect(new Set(refused)).toEqual(new Set(['METER_UNAVAILABLE']));
  await stack.nats.start();
  let answered = 1n;
  await until(async () => {
    if ((await codeOf(ask([{ x: 1 }], {}, id, mine))) !== 'answered') return false;
    answered++;
    return true;
  }, 20_000);
  await until(async () => (await counted(mine, 'predictions')) === answered, 20_000);
  expect(await stack.usage.gaps()).toEqual([]);
  expect(newId()).toBeTruthy();
});
