/** Every operation of the schema as a request that works: what tests generated from the schema ask with. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  buildSchema,
  getNamedType,
  isInputObjectType,
  isLeafType,
  isObjectType,
  isRequiredArgument,
} from 'graphql';
import type { GraphQLField, GraphQLInputType, GraphQLOutputType } from 'graphql';
import type { TestPlatform } from './platform';
import { ROOT } from './root';
import { login, PASSWORD, SPEC, upload } from './world';
import type { IdKind, World } from './world';

export const schema = buildSchema(readFileSync(join(ROOT, 'schema.graphql'), 'utf8'));

export type Root = 'query' | 'mutation' | 'subscription';
export interface Operation {
  readonly root: Root;
  readonly field: GraphQLField<unknown, unknown>;
}

export const OPERATIONS: readonly Operation[] = (['query', 'mutation', 'subscription'] as const).flatMap(
  (root) => {
    const type = {
      query: schema.getQueryType(),
      mutation: schema.getMutationType(),
      subscription: schema.getSubscriptionType(),
    }[root];
    return Object.values(type?.getFields() ?? {}).map((field) => ({
      root,
      field: field as Operation['field'],
    }));
  },
);

/** Plain fields of a type, or of the first object below it. */
const selection = (output: GraphQLOutputType, depth = 0): string => {
  const type = getNamedType(output);
  if (!isObjectType(type)) return '';
  const fields = Object.values(type.getFields()).filter((field) => !field.args.some(isRequiredArgument));
  const plain = fields.filter((field) => isLeafType(getNamedType(field.type))).map((field) => field.name);
  if (plain.length > 0) return `{ ${plain.join(' ')} }`;
  const inner = fields
    .filter((field) => field.args.length === 0 && depth < 3)
    .map((field) => `${field.name} ${selection(field.type, depth + 1)}`);
  return `{ ${inner.join(' ') || '__typename'} }`;
};

/** The document of an operation, with every argument as a variable. */
export const documentOf = ({ root, field }: Operation): string => {
  const declared = field.args.map((argument) => `$${argument.name}: ${String(argument.type)}`).join(', ');
  const passed = field.args.map((argument) => `${argument.name}: $${argument.name}`).join(', ');
  return `${root}${declared === '' ? '' : ` (${declared})`} { ${field.name}${passed === '' ? '' : `(${passed})`} ${selection(field.type)} }`;
};

/** Where ids stand in the arguments of an operation: `['input', 'scenarioId']`. */
export const idPaths = ({ field }: Operation): string[][] => {
  const below = (type: GraphQLInputType, path: string[]): string[][] => {
    const named = getNamedType(type);
    if (named.name === 'ID') return [path];
    if (!isInputObjectType(named)) return [];
    return Object.values(named.getFields()).flatMap((inner) => below(inner.type, [...path, inner.name]));
  };
  return field.args.flatMap((argument) => below(argument.type, [argument.name]));
};

/** What an id argument names. An `id` names what the operation is about. */
const OWN_ID: Readonly<Record<string, IdKind>> = {
  archiveScenario: 'scenario',
  cancelJob: 'job',
  dataset: 'dataset',
  datasetVersion: 'datasetVersion',
  deleteDatasetVersion: 'datasetVersion',
  deployment: 'deployment',
  job: 'job',
  model: 'model',
  modelVersion: 'modelVersion',
  prediction: 'prediction',
  revokeApiKey: 'apiKey',
  rotateApiKey: 'apiKey',
  scenario: 'scenario',
  stopDeployment: 'deployment',
  updateScenario: 'scenario',
};
const NAMED_ID: Readonly<Record<string, IdKind>> = {
  datasetVersionId: 'datasetVersion',
  deploymentId: 'deployment',
  jobId: 'job',
  memberId: 'member',
  modelVersionId: 'modelVersion',
  predictionId: 'prediction',
  scenarioId: 'scenario',
  tenantId: 'tenant',
  versionId: 'datasetVersion',
};

export const kindOf = (operation: Operation, path: readonly string[]): IdKind => {
  const name = path.at(-1) ?? '';
  const kind = name === 'id' ? OWN_ID[operation.field.name] : NAMED_ID[name];
  if (kind === undefined) {
    throw new Error(
      `test/support/operations.ts does not know what ${operation.field.name}(${path.join('.')}) names: add it`,
    );
  }
  return kind;
};

export interface Prepared {
  readonly variables: Record<string, unknown>;
  /** Default: the world's key. Null: none. */
  readonly credential?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
}
type Recipe = (platform: TestPlatform, world: World) => Prepared | Promise<Prepared>;

let made = 0;
const fresh = (prefix: string): string => `${prefix}-${process.pid}-${made++}`;

const newScenario = async (platform: TestPlatform, world: World): Promise<string> => {
  const { createScenario } = await platform.run<{ createScenario: { id: string } }>(
    'mutation ($name: String!) { createScenario(input: { template: "house-prices", name: $name }) { id } }',
    { name: fresh('scenario') },
    world.key,
  );
  return createScenario.id;
};
const newKey = async (platform: TestPlatform, world: World): Promise<string> => {
  const { createApiKey } = await platform.run<{ createApiKey: { apiKey: { id: string } } }>(
    'mutation { createApiKey(name: "k", scopes: [read]) { apiKey { id } } }',
    {},
    world.key,
  );
  return createApiKey.apiKey.id;
};
const newInvitation = async (platform: TestPlatform, world: World): Promise<string> => {
  const { inviteMember } = await platform.run<{ inviteMember: { token: string } }>(
    'mutation ($email: String!) { inviteMember(email: $email, role: analyst) { token } }',
    { email: `${fresh('person')}@example.org` },
    world.key,
  );
  return inviteMember.token;
};
const newMember = async (platform: TestPlatform, world: World): Promise<string> => {
  const answer = await platform.graphql<{ acceptInvitation: { id: string } }>(
    'mutation ($token: String!, $password: String!) { acceptInvitation(token: $token, name: "P", password: $password) { id } }',
    { token: await newInvitation(platform, world), password: PASSWORD },
    { credential: null },
  );
  return answer.data?.acceptInvitation.id ?? '';
};

/** How each mutation is asked so that it does something. A mutation without a recipe fails the tests. */
export const MUTATIONS: Readonly<Record<string, Recipe>> = {
  acceptInvitation: async (platform, world) => ({
    variables: { token: await newInvitation(platform, world), name: 'New', password: PASSWORD },
    credential: null,
  }),
  archiveScenario: async (platform, world) => ({ variables: { id: await newScenario(platform, world) } }),
  cancelJob: async (platform, world) => {
    const { startTraining } = await platform.run<{ startTraining: { id: string } }>(
      'mutation ($input: StartTrainingInput!) { startTraining(input: $input) { id } }',
      { input: { datasetVersionId: world.ids.datasetVersion, spec: { family: 'mlp', epochs: 10_000 } } },
      world.key,
    );
    return { variables: { id: startTraining.id } };
  },
  createApiKey: () => ({ variables: { name: 'k', scopes: ['read'] } }),
  createScenario: () => ({ variables: { input: { template: 'churn', name: fresh('scenario') } } }),
  createTenant: (platform) => ({
    variables: { name: fresh('tenant'), ownerEmail: `${fresh('owner')}@example.org` },
    credential: platform.operatorToken,
  }),
  declareDataset: (_platform, world) => ({
    variables: {
      input: { scenarioId: world.ids.scenario, name: fresh('data'), format: 'csv', sizeBytes: '10' },
    },
  }),
  deleteDatasetVersion: async (platform, world) => ({
    variables: { id: (await upload(platform, world.key, world.ids.scenario, fresh('data'))).versionId },
  }),
  deployModel: (_platform, world) => ({
    variables: { modelVersionId: world.ids.modelVersion, name: fresh('deployment') },
  }),
  inviteMember: () => ({ variables: { email: `${fresh('person')}@example.org`, role: 'analyst' } }),
  login: (_platform, world) => ({
    variables: { email: world.ownerEmail, password: PASSWORD },
    credential: null,
  }),
  logout: async (platform, world) => ({
    variables: {},
    credential: null,
    headers: { cookie: await login(platform, world.ownerEmail) },
  }),
  removeMember: async (platform, world) => ({ variables: { memberId: await newMember(platform, world) } }),
  retrain: (_platform, world) => ({ variables: { scenarioId: world.ids.scenario, spec: SPEC } }),
  revokeApiKey: async (platform, world) => ({ variables: { id: await newKey(platform, world) } }),
  rotateApiKey: async (platform, world) => ({
    variables: { id: await newKey(platform, world), overlapHours: 1 },
  }),
  setMemberRole: async (platform, world) => ({
    variables: { memberId: await newMember(platform, world), role: 'developer' },
  }),
  setPlan: (platform, world) => ({
    variables: { plan: 'standard', tenantId: world.ids.tenant },
    credential: platform.operatorToken,
  }),
  startTraining: (_platform, world) => ({
    variables: { input: { datasetVersionId: world.ids.datasetVersion, spec: SPEC } },
  }),
  stopDeployment: async (platform, world) => {
    const { deployModel } = await platform.run<{ deployModel: { id: string } }>(
      'mutation ($id: ID!, $name: String!) { deployModel(modelVersionId: $id, name: $name) { id } }',
      { id: world.ids.modelVersion, name: fresh('deployment') },
      world.key,
    );
    return { variables: { id: deployModel.id } };
  },
  submitFeedback: (_platform, world) => ({
    variables: { predictionId: world.ids.prediction, actual: 100_000 + made++ },
  }),
  updateScenario: (_platform, world) => ({
    variables: { id: world.ids.scenario, input: { description: fresh('text') } },
  }),
};

/** Arguments of queries that are no ids and have no default. */
const QUERY_VALUES: Readonly<Record<string, Record<string, unknown>>> = {
  predict: { rows: [{ area: 90, rooms: 2 }] },
  usage: { from: new Date(Date.now() - 86_400_000).toISOString(), to: new Date().toISOString() },
};

/** Queries of the operator. */
export const OPERATORS: readonly string[] = ['tenants', 'platformStatus'];

const defaultsOf = (field: Operation['field']): Record<string, unknown> =>
  Object.fromEntries(
    field.args
      .filter((argument) => argument.defaultValue !== undefined)
      .map((argument) => [argument.name, argument.defaultValue]),
  );

/** A request that succeeds in `world`, with every id argument given. */
export const prepare = async (
  operation: Operation,
  platform: TestPlatform,
  world: World,
): Promise<Prepared> => {
  const { root, field } = operation;
  if (root === 'mutation') {
    const recipe = MUTATIONS[field.name];
    if (recipe === undefined)
      throw new Error(`${field.name} has no recipe in test/support/operations.ts: add it`);
    const prepared = await recipe(platform, world);
    return { ...prepared, variables: { ...defaultsOf(field), ...prepared.variables } };
  }
  const ids = idPaths(operation).map((path) => {
    const [name = '', ...inner] = path;
    const id: unknown = world.ids[kindOf(operation, path)];
    return [name, inner.reduceRight((value, key) => ({ [key]: value }), id)] as const;
  });
  return {
    variables: { ...defaultsOf(field), ...QUERY_VALUES[field.name], ...Object.fromEntries(ids) },
    ...(OPERATORS.includes(field.name) ? { credential: platform.operatorToken } : {}),
  };
};
