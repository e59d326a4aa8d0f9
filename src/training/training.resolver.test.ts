/** Datasets, jobs and models as a partner sees them: over the schema, with two tenants. */
import { randomBytes } from 'node:crypto';
import { graphql, parse, subscribe } from 'graphql';
import type { ExecutionResult } from 'graphql';
import { ApiContext } from '../api/context';
import { toFailure } from '../api/errors';
import { buildApiSchema } from '../api/schema';
import { DatasetResolver } from '../dataset';
import { Commands } from '../platform/command';
import { log } from '../platform/testing/two-tenants';
import type { TestTenant } from '../platform/testing/two-tenants';
import { ModelResolver, ModelVersionResolver } from '../registry';
import { stage } from './testing/stage';
import type { ProfilePayload, Stage, TrainPayload } from './testing/stage';
import { JobResolver } from './training.resolver';

let s: Stage;
let schema: ReturnType<typeof buildApiSchema>;
beforeAll(async () => {
  s = await stage();
  const commands = new Commands(s.db, randomBytes(32));
  schema = buildApiSchema(
    [DatasetResolver, JobResolver, ModelResolver, ModelVersionResolver],
    [
      new DatasetResolver(s.datasets, commands),
      new JobResolver(s.training, s.registry, commands),
      new ModelResolver(s.registry),
      new ModelVersionResolver(s.registry),
    ],
  );
});
afterAll(() => s.close());

const as = ({ ctx }: TestTenant, scopes: readonly string[] = ['read', 'data', 'train']) =>
  new ApiContext({
    requestId: 'r',
    log,
    address: '127.0.0.1',
    credential: {
      tenantId: ctx.tenantId,
      principal: { kind: 'system', reason: 'test', scopes: scopes as never },
    },
  });
type Data = Record<string, never>;
const ask = async (tenant: TestTenant, source: string, variableValues = {}): Promise<Data> => {
  const answer = await graphql({ schema, source, variableValues, contextValue: as(tenant) });
  if (answer.errors?.[0] !== undefined) throw toFailure(answer.errors[0]);
  return answer.data as Data;
};
const follow = async (tenant: TestTenant, source: string, variableValues: Record<string, unknown>) =>
  subscribe({ schema, document: parse(source), variableValues, contextValue: as(tenant) });

it('declare, upload, train, follow, look', async () => {
  const { declareDataset } = await ask(
    s.a,
    `mutation ($input: DeclareDatasetInput!) { declareDataset(input: $input) {
       dataset { id name } version { id state number target task } upload { url method expiresAt } } }`,
    { input: { scenarioId: s.a.scenarioId, name: 'houses', format: 'csv', sizeBytes: '11' } },
  );
  const { dataset, version, upload } = declareDataset as {
    dataset: { id: string };
    version: { id: never };
    upload: { url: string };
  };
  expect(version).toMatchObject({ state: 'DECLARED', number: 1, target: 'price', task: 'regression' });

  const stream = await follow(
    s.a,
    'subscription ($id: ID!) { datasetProgress(versionId: $id) { fraction version { state } } }',
    { id: version.id },
  );
  await s.put(upload.url, 'area,price\n');
  const { taskId } = await s.datasets.getVersion(s.a.ctx, version.id);
  const profile = await s.claim<ProfilePayload>(s.a, taskId, 'profile');
  await s.succeed(
    profile,
    s.profileResult(profile.payload, await s.write(profile.payload.sealed, Buffer.from('p'))),
  );
  const states: unknown[] = [];
  for await (const event of stream as AsyncIterable<ExecutionResult>)
    states.push(event.data?.['datasetProgress']);
  expect(states.at(-1)).toMatchObject({ version: { state: 'SEALED' } });

  const { startTraining } = await ask(
    s.a,
    `mutation ($input: StartTrainingInput!) { startTraining(input: $input) { id state kind spec seed } }`,
    { input: { datasetVersionId: version.id, spec: { family: 'mlp', epochs: 5 } } },
  );
  const job = startTraining as { id: string };
  expect(job).toMatchObject({ state: 'QUEUED', kind: 'train', seed: 1, spec: { family: 'mlp', epochs: 5 } });
  const progress = await follow(
    s.a,
    'subscription ($id: ID!) { jobProgress(jobId: $id) { phase epochs { epoch loss } job { state modelVersionId } } }',
    { id: job.id },
  );
  const [row] = await s.look<{ task_id: never }>('select task_id from app.job where id = $1', [job.id]);
  const grant = await s.claim<TrainPayload>(s.a, row?.task_id ?? null, 'train');
  const files = await s.writeModel(grant.payload);
  await s.succeed(grant, { kind: 'train', manifest: s.manifest(grant.payload, files) });
  const updates: { epochs: unknown[]; job: { state: string } }[] = [];
  for await (const event of progress as AsyncIterable<ExecutionResult>) {
    updates.push(event.data?.['jobProgress'] as (typeof updates)[number]);
  }
  expect(updates.at(-1)?.job.state).toBe('SUCCEEDED');
  expect(updates.flatMap((update) => update.epochs)).toHaveLength(5);

  const seen = await ask(
    s.a,
    `query ($job: ID!, $dataset: ID!, $scenario: ID!) {
       job(id: $job) { state error { code } history { epoch } modelVersion {
         number identity metrics { test baseline } onnxSizeBytes downloadUrl history { loss } } }
       dataset(id: $dataset) { name versions(first: 5) { edges { node {
         state rows sizeBytes sha256 profile { name type } warnings { code column } } } pageInfo { hasNextPage } } }
       jobs(scenarioId: $scenario) { edges { node { id } } }
       models(scenarioId: $scenario) { edges { node { name versions { edges { node { number } } } } } } }`,
    { job: job.id, dataset: dataset.id, scenario: s.a.scenarioId },
  );
  expect(seen).toMatchObject({
    job: { state: 'SUCCEEDED', error: null, modelVersion: { number: 1, metrics: { test: { rmse: 3 } } } },
    dataset: { versions: { edges: [{ node: { state: 'SEALED', rows: '10', sizeBytes: '1' } }] } },
    jobs: { edges: [{ node: { id: job.id } }] },
    models: { edges: [{ node: { name: 'default', versions: { edges: [{ node: { number: 1 } }] } } }] },
  });
  const audit = await s.look<{ operation: string }>('select operation from app.audit_event order by id');
  expect(audit.map((each) => each.operation)).toEqual(['declareDataset', 'startTraining']);

  // Nothing of it is there for the neighbour.
  for (const query of [
    `{ job(id: "${job.id}") { id } }`,
    `{ dataset(id: "${dataset.id}") { id } }`,
    `{ datasetVersion(id: "${version.id as string}") { id } }`,
    `{ modelVersion(id: "${grant.payload.modelVersionId}") { id } }`,
    `mutation { cancelJob(id: "${job.id}") { id } }`,
    `mutation { deleteDatasetVersion(id: "${version.id as string}") { id } }`,
    `mutation { startTraining(input: { datasetVersionId: "${version.id as string}" }) { id } }`,
    `mutation { retrain(scenarioId: "${s.a.scenarioId}") { id } }`,
  ]) {
    await expect(ask(s.b, query)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  }
  const foreign = await follow(s.b, 'subscription ($id: ID!) { jobProgress(jobId: $id) { phase } }', {
    id: job.id,
  });
  expect(toFailure((foreign as ExecutionResult).errors?.[0]).code).toBe('NOT_FOUND');
  expect(await ask(s.b, '{ jobs { edges { node { id } } } }')).toEqual({ jobs: { edges: [] } });
});

it('needs the scope of the operation', async () => {
  const answer = await graphql({
    schema,
    source: '{ jobs { edges { node { id } } } }',
    contextValue: as(s.a, ['predict']),
  });
  expect(toFailure(answer.errors?.[0]).code).toBe('FORBIDDEN');
  const stream = await subscribe({
    schema,
    document: parse('subscription { jobProgress(jobId: "x") { phase } }'),
    contextValue: as(s.a, ['predict']),
  });
  expect(toFailure((stream as ExecutionResult).errors?.[0]).code).toBe('FORBIDDEN');
});
