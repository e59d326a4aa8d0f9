import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { documentOf, OPERATIONS, prepare } from '../support/operations';
import type { Operation } from '../support/operations';
import { startPlatform } from '../support/platform';
import type { TestPlatform } from '../support/platform';
import { makeWorld } from '../support/world';
import type { World } from '../support/world';

let platform: TestPlatform;
let world: World;
let client: Client;

beforeAll(async () => {
  platform = await startPlatform();
  world = await makeWorld(platform, 'audited');
  client = new Client({ connectionString: platform.database.superuserUrl });
  await client.connect();
});
afterAll(async () => {
  await client?.end();
  await platform?.stop();
});

const records = async (): Promise<string[]> => {
  const { rows } = await client.query<{ operation: string }>(
    'select operation from app.audit_event order by id',
  );
  return rows.map((row) => row.operation);
};

const mutations = OPERATIONS.filter(({ root }) => root === 'mutation').map(
  (operation): [string, Operation] => [operation.field.name, operation],
);

describe('every mutation', () => {
  it.each(mutations)(
    '%s leaves exactly one record, also when it is repeated under one key',
    async (name, operation) => {
      const { variables, ...options } = await prepare(operation, platform, world);
      const before = await records();
      const headers = { ...options.headers, 'idempotency-key': randomUUID() };
      const ask = () =>
        platform.graphql<Record<string, unknown>>(documentOf(operation), variables, {
          credential: world.key,
          ...options,
          headers,
        });
      const first = await ask();
      expect(first.errors).toBeUndefined();
      const added = (await records()).slice(before.length);
      expect(added).toEqual([name]);
      if (name === 'logout') return; // its credential is gone: the repeat is refused before anything else
      const second = await ask();
      expect(second.errors).toBeUndefined();
      const id = (answer: typeof first): unknown => (answer.data?.[name] as { id?: unknown }).id;
      expect(id(second)).toEqual(id(first));
      expect((await records()).length).toBe(before.length + 1);
    },
  );

  it('leaves none when it fails', async () => {
    const before = await records();
    for (const [, operation] of mutations) {
      if (!operation.field.args.some(({ name }) => name === 'id')) continue;
      const answer = await platform.graphql(
        documentOf(operation),
        { id: randomUUID(), input: {}, overlapHours: 1 },
        { credential: world.key },
      );
      expect(answer.errors?.[0]?.extensions?.code).toBe('NOT_FOUND');
    }
    expect(await records()).toEqual(before);
  });
});
