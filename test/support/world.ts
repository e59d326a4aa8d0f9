/** A tenant that has one of everything, made through the API by a real gateway and a real worker. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestPlatform } from './platform';

export const PASSWORD = 'correct horse battery';

/** Ids by what they name; a test that asks for a kind that is not here fails. */
export interface World {
  readonly name: string;
  /** Every scope. */
  readonly key: string;
  readonly ownerEmail: string;
  readonly cookie: string;
  readonly ids: Readonly<Record<IdKind, string>>;
}

export const ID_KINDS = [
  'tenant',
  'scenario',
  'dataset',
  'datasetVersion',
  'job',
  'model',
  'modelVersion',
  'deployment',
  'prediction',
  'member',
  'apiKey',
] as const;
export type IdKind = (typeof ID_KINDS)[number];

const SCOPES = ['read', 'data', 'train', 'deploy', 'predict', 'feedback', 'billing', 'admin'];

/** 300 rows, reproducible; the price follows from the area. */
export const CSV = [
  'area,rooms,price',
  ...Array.from({ length: 300 }, (_, i) => {
    const area = 40 + ((i * 37) % 160);
    return `${area},${1 + (area % 5)},${1000 * area + ((i * 7919) % 60_000)}`;
  }),
  '',
].join('\n');

export const SPEC = { family: 'linear' };

/** Logs an owner in; the session's cookie. */
export const login = async (platform: TestPlatform, email: string): Promise<string> => {
  const response = await fetch(platform.endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      query:
        'mutation ($email: String!, $password: String!) { login(email: $email, password: $password) { member { id } } }',
      variables: { email, password: PASSWORD },
    }),
  });
  const cookie = (response.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  if (cookie === '') throw new Error(`no session: ${await response.text()}`);
  return cookie;
};

const until = async <T>(what: string, read: () => Promise<T | null>): Promise<T> => {
  for (const from = Date.now(); Date.now() - from < 60_000; await sleep(100)) {
    const found = await read();
    if (found !== null) return found;
  }
  throw new Error(`${what} did not come about within a minute`);
};

/** Declares and uploads; the id of the version, which may not be sealed yet. */
export const upload = async (
  platform: TestPlatform,
  key: string,
  scenarioId: string,
  name: string,
): Promise<{ datasetId: string; versionId: string }> => {
  const { declareDataset } = await platform.run<{
    declareDataset: { dataset: { id: string }; version: { id: string }; upload: { url: string } };
  }>(
    'mutation ($input: DeclareDatasetInput!) { declareDataset(input: $input) { dataset { id } version { id } upload { url } } }',
    { input: { scenarioId, name, format: 'csv', sizeBytes: String(Buffer.byteLength(CSV)) } },
    key,
  );
  const put = await fetch(declareDataset.upload.url, { method: 'PUT', body: CSV });
  if (!put.ok) throw new Error(`upload: ${put.status} ${await put.text()}`);
  return { datasetId: declareDataset.dataset.id, versionId: declareDataset.version.id };
};

export const makeWorld = async (platform: TestPlatform, name: string): Promise<World> => {
  const ownerEmail = `${name}@example.org`;
  const { createTenant } = await platform.run<{
    createTenant: { tenant: { id: string }; invitation: { token: string } };
  }>(
    'mutation ($name: String!, $email: String!) { createTenant(name: $name, ownerEmail: $email) { tenant { id } invitation { token } } }',
    { name, email: ownerEmail },
    platform.operatorToken,
  );
  const accepted = await platform.graphql<{ acceptInvitation: { id: string } }>(
    'mutation ($token: String!, $password: String!) { acceptInvitation(token: $token, name: "Owner", password: $password) { id } }',
    { token: createTenant.invitation.token, password: PASSWORD },
    { credential: null },
  );
  const cookie = await login(platform, ownerEmail);
  const made = await platform.graphql<{ createApiKey: { secret: string; apiKey: { id: string } } }>(
    'mutation ($scopes: [Scope!]!) { createApiKey(name: "all", scopes: $scopes) { secret apiKey { id } } }',
    { scopes: SCOPES },
    { credential: null, headers: { cookie } },
  );
  const key = made.data?.createApiKey.secret;
  if (key === undefined) throw new Error(`no key: ${JSON.stringify(made.errors)}`);
  const run = <T>(document: string, variables?: Record<string, unknown>) =>
    platform.run<T>(document, variables, key);

  const { createScenario } = await run<{ createScenario: { id: string } }>(
    'mutation { createScenario(input: { template: "house-prices" }) { id } }',
  );
  const { datasetId, versionId } = await upload(platform, key, createScenario.id, 'houses');
  await until('a sealed dataset', async () => {
    const { datasetVersion } = await run<{ datasetVersion: { state: string; error: unknown } }>(
      'query ($id: ID!) { datasetVersion(id: $id) { state error { code message } } }',
      { id: versionId },
    );
    if (datasetVersion.error !== null) throw new Error(JSON.stringify(datasetVersion.error));
    return datasetVersion.state === 'SEALED' ? true : null;
  });
  const { startTraining } = await run<{ startTraining: { id: string } }>(
    'mutation ($input: StartTrainingInput!) { startTraining(input: $input) { id } }',
    { input: { datasetVersionId: versionId, spec: SPEC } },
  );
  const modelVersionId = await until('a model', async () => {
    const { job } = await run<{ job: { modelVersionId: string | null; error: unknown } }>(
      'query ($id: ID!) { job(id: $id) { modelVersionId error { code message } } }',
      { id: startTraining.id },
    );
    if (job.error !== null) throw new Error(JSON.stringify(job.error));
    return job.modelVersionId;
  });
  const { models } = await run<{ models: { edges: { node: { id: string } }[] } }>(
    '{ models { edges { node { id } } } }',
  );
  const { deployModel } = await run<{ deployModel: { id: string } }>(
    'mutation ($id: ID!) { deployModel(modelVersionId: $id, name: "houses") { id } }',
    { id: modelVersionId },
  );
  await until('a ready deployment', async () => {
    const { deployment } = await run<{ deployment: { state: string } }>(
      'query ($id: ID!) { deployment(id: $id) { state } }',
      { id: deployModel.id },
    );
    return deployment.state === 'READY' ? true : null;
  });
  const { predict } = await run<{ predict: { id: string } }>(
    'query ($id: ID!) { predict(deploymentId: $id, rows: [{ area: 100, rooms: 3 }]) { id } }',
    { id: deployModel.id },
  );
  await run('mutation ($id: ID!) { submitFeedback(predictionId: $id, actual: 101000) { revision } }', {
    id: predict.id,
  });
  return {
    name,
    key,
    ownerEmail,
    cookie,
    ids: {
      tenant: createTenant.tenant.id,
      scenario: createScenario.id,
      dataset: datasetId,
      datasetVersion: versionId,
      job: startTraining.id,
      model: models.edges[0]?.node.id ?? '',
      modelVersion: modelVersionId,
      deployment: deployModel.id,
      prediction: predict.id,
      member: accepted.data?.acceptInvitation.id ?? '',
      apiKey: made.data?.createApiKey.apiKey.id ?? '',
    },
  };
};
