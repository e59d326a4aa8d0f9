/** Feedback beyond one number or class a row. */
import type { DeploymentId, LearningTask, ModelSignature, ScenarioId } from '../../contracts';
import { input, modelBytes, op } from '../../onnx';
import { classModel, forecastModel } from '../inference/testing/models';
import { codeOf, column, startStack } from '../inference/testing/stack';
import type { Stack } from '../inference/testing/stack';
import type { TenantContext } from '../platform/context';
import type { FeedbackRequest } from './feedback.service';

let stack: Stack;
let ctx: TenantContext;
let other: TenantContext;
beforeAll(async () => {
  stack = await startStack();
  [ctx, other] = [await stack.tenant(), await stack.tenant()];
});
afterAll(() => stack.stop());

const served = async (
  task: LearningTask,
  onnx: Uint8Array,
  signature: Partial<ModelSignature>,
  policy = 'log_enabled = true',
) => {
  const scenarioId = await stack.scenario(ctx, task);
  await stack.superuser.query(`update app.scenario set ${policy} where id = $1`, [scenarioId]);
  const version = await stack.version(ctx, scenarioId, { onnx, signature: { task, ...signature } });
  return { scenarioId, deploymentId: (await stack.deploy(ctx, version)).id };
};
const ask = (deploymentId: DeploymentId, ...rows: unknown[]) =>
  stack.predictions.predict(ctx, { deploymentId, rows });
const submit = async (request: FeedbackRequest, scope = ctx) => {
  const prepared = await stack.feedback.prepare(scope, request);
  return stack.db.within(scope, (tx) => stack.feedback.record(scope, tx, prepared));
};

const FORECAST: Partial<ModelSignature> = {
  inputs: [{ ...column('x', 'number'), window: 3 }],
  horizon: 2,
  targets: ['x', 'tenfold'],
  levels: [0.1, 0.9],
  outputs: ['prediction', 'quantiles'],
};
const ANSWER = {
  prediction: [
    [3, 30],
    [4, 31],
  ],
  quantiles: [
    [
      [2, 4],
      [29, 31],
    ],
    [
      [3, 5],
      [30, 32],
    ],
  ],
};

describe('of a forecast', () => {
  let scenarioId: ScenarioId;
  let deploymentId: DeploymentId;
  beforeAll(async () => {
    ({ scenarioId, deploymentId } = await served('forecast', forecastModel(), FORECAST));
  });

  test('comes step by step, what is known later as a correction, and is judged where it is known', async () => {
    const { id } = await ask(deploymentId, { x: [1, 2, 3] });
    const first = await submit({ predictionId: id, row: 0, actual: [[3.5, '28']] });
    expect(first).toMatchObject({ revision: 1, predicted: ANSWER, actual: [[3.5, 28]] });
    expect((await stack.feedback.quality(ctx, scenarioId)).metrics).toEqual({
      rmse: Math.sqrt((0.25 + 4) / 2),
      mae: 1.25,
      wape: 2.5 / 31.5,
      coverage: 0.5,
    });
    const more = { predictionId: id, row: 0, actual: [[3.5, 28], [null, 31]] }; // prettier-ignore
    expect(await submit(more)).toMatchObject({ revision: 2 });
    expect(await submit(structuredClone(more))).toMatchObject({ revision: 2 });
    const { id: next } = await ask(deploymentId, { x: [3] });
    await submit({ predictionId: next, row: 0, actual: [[6, null]] });
    const quality = await stack.feedback.quality(ctx, scenarioId);
    expect(quality.rows).toBe(2);
    // Errors 0.5, 2, 0 and 3 of the values 3.5, 28, 31 and 6; the first and the third lie between the levels.
    expect(quality.metrics['mae']).toBeCloseTo(5.5 / 4, 12);
    expect(quality.metrics['rmse']).toBeCloseTo(Math.sqrt(13.25 / 4), 12);
    expect(quality.metrics['wape']).toBeCloseTo(5.5 / 68.5, 12);
    expect(quality.metrics['coverage']).toBe(0.5);
    expect(quality.byVersion).toEqual([expect.objectContaining({ rows: 2, metrics: quality.metrics })]);
  });

  test('is refused where it has not the shape of the answer, and is each tenant’s own', async () => {
    const { id } = await ask(deploymentId, { x: [1, 2, 3] });
    const wrong = async (actual: unknown, ...path: unknown[]) =>
      expect(stack.feedback.prepare(ctx, { predictionId: id, row: 0, actual })).rejects.toMatchObject({
        code: 'WRONG_TYPE',
        path: ['actual', ...path],
      });
    await wrong(3);
    await wrong([[3, 30], [4, 31], [5, 32]]); // prettier-ignore
    await wrong([[null, null]]);
    await wrong([]);
    await wrong([[3, 30], [4]], 1); // prettier-ignore
    await wrong([[3, 'many']], 0, 1);
    const theirs = { predictionId: id, row: 0, actual: [[3, 30]] };
    expect(await codeOf(submit(theirs, other))).toBe('NOT_FOUND');
    expect(await codeOf(stack.feedback.quality(other, scenarioId))).toBe('NOT_FOUND');
  });

  test('carries the windows of its row where the scenario keeps no log', async () => {
    const quiet = await served('forecast', forecastModel(), FORECAST, 'log_enabled = false');
    const { id } = await ask(quiet.deploymentId, { x: [1, 2, 3] });
    const actual = [[3, 30]];
    expect(await codeOf(submit({ predictionId: id, row: 0, actual }))).toBe('FEEDBACK_NEEDS_ROW');
    const values = { x: [1, 2, 3] };
    expect(await submit({ predictionId: id, row: 0, actual, values })).toMatchObject({ predicted: ANSWER });
  });
});

test('of an anomaly says whether it was one', async () => {
  const { scenarioId, deploymentId } = await served('anomaly', classModel('anomaly', 'normal'), {
    target: null,
    classes: ['normal', 'anomaly'],
    outputs: ['prediction', 'probabilities'],
  });
  const { id, outputs } = await ask(deploymentId, { x: 0.9 }, { x: 0.25 });
  expect(outputs.map(({ prediction }) => prediction)).toEqual(['anomaly', 'normal']);
  await submit({ predictionId: id, row: 0, actual: 'normal' });
  await submit({ predictionId: id, row: 1, actual: 'Normal' });
  expect(await codeOf(submit({ predictionId: id, row: 1, actual: 'odd' }))).toBe('UNKNOWN_CATEGORY');
  expect(await codeOf(submit({ predictionId: id, row: 0, actual: 'normal' }, other))).toBe('NOT_FOUND');
  const { rows, metrics } = await stack.feedback.quality(ctx, scenarioId);
  expect(rows).toBe(2);
  expect(metrics['accuracy']).toBe(0.5);
  expect(metrics['logLoss']).toBeCloseTo(-(Math.log(0.1) + Math.log(0.75)) / 2, 6);
});

test('of a group or a made-up row there is none', async () => {
  const groups = await served('clustering', classModel('1', '0'), {
    target: null,
    classes: ['0', '1'],
    outputs: ['prediction', 'probabilities'],
  });
  const seed = input('seed', 'float64', ['n']);
  const rows = await served(
    'synthesis',
    modelBytes({ name: 'test', inputs: [seed], outputs: { 'row/area': op.Mul(seed, seed) } }),
    {
      target: null,
      inputs: [column('seed', 'number')],
      outputs: [],
      generated: [column('area', 'number').spec],
    },
  );
  for (const [{ deploymentId, scenarioId }, row] of [
    [groups, { x: 0.9 }],
    [rows, { seed: 3 }],
  ] as const) {
    const { id } = await ask(deploymentId, row);
    expect(await codeOf(submit({ predictionId: id, row: 0, actual: '1' }))).toBe('NO_TRUTH');
    expect(await codeOf(submit({ predictionId: id, row: 0, actual: '1' }, other))).toBe('NOT_FOUND');
    expect(await stack.feedback.quality(ctx, scenarioId)).toMatchObject({ rows: 0, metrics: {} });
  }
});
