import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from 'graphql-ws';
import { Client } from 'pg';
import WebSocket from 'ws';
import { documentOf, idPaths, kindOf, OPERATIONS, OPERATORS, prepare } from '../support/operations';
import type { Operation, Prepared } from '../support/operations';
import { startPlatform } from '../support/platform';
import type { TestPlatform } from '../support/platform';
import { makeWorld } from '../support/world';
import type { World } from '../support/world';

let platform: TestPlatform;
let mine: World;
let theirs: World;
let client: Client;

beforeAll(async () => {
  platform = await startPlatform();
  mine = await makeWorld(platform, 'mine');
  theirs = await makeWorld(platform, 'theirs');
  client = new Client({ connectionString: platform.database.superuserUrl });
  await client.connect();
});
afterAll(async () => {
  await client?.end();
  await platform?.stop();
});

/** Everything another tenant could see of an answer, but for what is new in every one. */
const visible = (answer: unknown): string =>
  JSON.stringify(answer)
    .replaceAll(/"(errorId|requestId)":"[^"]*"/g, '"$1":"-"')
    .replaceAll(/"createdAt":"[^"]*"/g, '"createdAt":"-"');

const withId = (prepared: Prepared, path: readonly string[], id: string): Prepared => {
  const replace = (value: unknown, [head, ...rest]: readonly string[]): unknown =>
    head === undefined
      ? id
      : {
          ...(value as object),
          [head]: replace((value as Record<string, unknown> | undefined)?.[head], rest),
        };
  return { ...prepared, variables: replace(prepared.variables, path) as Record<string, unknown> };
};

const subscribe = async (document: string, variables: Record<string, unknown>): Promise<unknown> => {
  const socket = createClient({
    url: platform.endpoint.replace('http', 'ws'),
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${mine.key}` },
    retryAttempts: 0,
  });
  try {
    return await new Promise<unknown>((resolve) => {
      socket.subscribe(
        { query: document, variables },
        {
          next: resolve,
          error: (errors) => resolve({ errors }),
          complete: () => resolve({ complete: true }),
        },
      );
    });
  } finally {
    await socket.dispose();
  }
};

const ask = async (operation: Operation, { variables, ...options }: Prepared): Promise<unknown> => {
  const document = documentOf(operation);
  if (operation.root === 'subscription') return subscribe(document, variables);
  return platform.graphql(document, variables, { credential: mine.key, ...options });
};

/** A fingerprint of every row of a tenant, whatever tables there are; use of a credential does not count. */
const fingerprint = async (tenantId: string): Promise<Record<string, string>> => {
  const tables = await client.query<{ name: string }>(
    `select c.relname as name from pg_class c join pg_namespace s on s.oid = c.relnamespace
       join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
      where s.nspname = 'app' and c.relkind = 'r' and c.relname not in ('api_key', 'session') order by 1`,
  );
  const prints: Record<string, string> = {};
  for (const { name } of tables.rows) {
    const { rows } = await client.query<{ print: string }>(
      `select count(*) || ':' || coalesce(md5(string_agg(t::text, '|' order by t::text)), '') as print from app.${name} t where tenant_id = $1`,
      [tenantId],
    );
    prints[name] = rows[0]?.print ?? '';
  }
  return prints;
};

const cases = OPERATIONS.flatMap((operation) =>
  idPaths(operation).map((path): [string, Operation, string[]] => [
    `${operation.field.name}(${path.join('.')})`,
    operation,
    path,
  ]),
);

describe('another tenant’s id', () => {
  it('is known to the tests wherever the schema takes one', () => {
    expect(cases.length).toBeGreaterThan(20);
    for (const [, operation, path] of cases) kindOf(operation, path);
  });

  it.each(cases.filter(([, { field }]) => field.name !== 'setPlan'))(
    'is no other than a random one: %s',
    async (_name, operation, path) => {
      const prepared = await prepare(operation, platform, mine);
      const foreign = await ask(operation, withId(prepared, path, theirs.ids[kindOf(operation, path)]));
      const random = await ask(operation, withId(prepared, path, randomUUID()));
      expect(visible(foreign)).toBe(visible(random));
      expect(foreign).toMatchObject({ errors: [{ extensions: { code: 'NOT_FOUND' } }] });
      for (const id of Object.values(theirs.ids)) expect(JSON.stringify(foreign)).not.toContain(id);
    },
  );

  it('works for its own tenant, so that the refusals above mean something', async () => {
    for (const operation of OPERATIONS.filter(({ root }) => root === 'query')) {
      const answer = (await ask(operation, await prepare(operation, platform, mine))) as { errors?: unknown };
      expect({ operation: operation.field.name, errors: answer.errors }).toEqual({
        operation: operation.field.name,
        errors: undefined,
      });
    }
  });

  it('changes nothing of theirs, and no list holds anything of theirs', async () => {
    await sleep(2000); // what their own work still writes
    const before = await fingerprint(theirs.ids.tenant);
    for (const [, operation, path] of cases.filter(([, { field }]) => field.name !== 'setPlan')) {
      const prepared = await prepare(operation, platform, mine);
      await ask(operation, withId(prepared, path, theirs.ids[kindOf(operation, path)]));
    }
    for (const operation of OPERATIONS.filter(
      ({ root, field }) => root === 'query' && !OPERATORS.includes(field.name),
    )) {
      const answer = JSON.stringify(await ask(operation, await prepare(operation, platform, mine)));
      for (const id of Object.values(theirs.ids)) expect(answer).not.toContain(id);
    }
    expect(await fingerprint(theirs.ids.tenant)).toEqual(before);
  });
});
