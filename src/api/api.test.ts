import { randomUUID } from 'node:crypto';
import { createClient } from 'graphql-ws';
import { getIntrospectionQuery } from 'graphql';
import WebSocket from 'ws';
import { Query, Resolver } from 'type-graphql';
import { bootstrapInstallation } from '../tenant';
import { sessionCookie, setCookieHeader } from './cookie';
import { buildApiSchema } from './schema';
import { startApi } from '../../test/support/api';
import type { Answer, TestApi } from '../../test/support/api';
import { freshDatabase } from '../../test/support/database';
import { startNats } from '../../test/support/nats';
import type { TestNats } from '../../test/support/nats';

let nats: TestNats;
let api: TestApi;
let key: string;

beforeAll(async () => {
  const [database, server] = await Promise.all([freshDatabase(), startNats()]);
  nats = server;
  api = await startApi(database, nats.url);
  key = (await bootstrapInstallation(api.db, { tenantName: 'Acme' })).apiKey;
});
afterAll(async () => {
  try {
    await api.close();
  } finally {
    await nats.stop();
  }
});

const codeOf = (answer: Answer): string | undefined => answer.errors?.[0]?.extensions.code;

describe('errors', () => {
  it('have one shape', async () => {
    const answer = await api.ask(
      key,
      '{ scenario(id: "nonsense") { id } }',
      {},
      { 'x-request-id': 'my-request' },
    );
    expect(answer.headers.get('x-request-id')).toBe('my-request');
    expect(answer.status).toBe(200);
    expect(answer.errors).toEqual([
      {
        message: 'no such scenario',
        locations: [{ line: 1, column: 3 }],
        path: ['scenario'],
        extensions: { code: 'NOT_FOUND', errorId: expect.any(String) as string, requestId: 'my-request' },
      },
    ]);
  });

  it('come with status 401 for strangers', async () => {
    const answer = await api.ask(null, '{ tenant { id } }');
    expect([answer.status, codeOf(answer)]).toEqual([401, 'UNAUTHENTICATED']);
  });

  it('hide what nobody foresaw', async () => {
    const within = jest
      .spyOn(api.db, 'within')
      .mockRejectedValueOnce(new Error('canary postgres://user:pw@host'));
    const answer = await api.ask(key, '{ tenant { id } }');
    within.mockRestore();
    expect([answer.status, codeOf(answer)]).toEqual([500, 'INTERNAL']);
    expect(answer.text).not.toContain('canary');
  });

  it('name the input at fault', async () => {
    const answer = await api.ask(key, 'mutation { createScenario(input: { template: "nope" }) { id } }');
    expect(answer.errors?.[0]?.extensions).toMatchObject({ code: 'BAD_INPUT', path: ['template'] });
    expect(answer.errors?.[0]?.message).toContain('one of: house-prices, credit-risk');
    const nul = await api.ask(
      key,
      `mutation ($name: String) { createScenario(input: { template: "traffic", name: $name }) { id } }`,
      { name: 'a\u0000b' },
    );
    expect(codeOf(nul)).toBe('BAD_INPUT');
  });
});

describe('limits', () => {
  const deep = (levels: number): string => `{ me ${'{ tenant '.repeat(levels)}{ id }${' }'.repeat(levels)} }`;
  const cases: Record<string, [string, string, Record<string, unknown>?]> = {
    'too deep': [deep(16), 'QUERY_TOO_DEEP'],
    'too many fields': [`{ me { ${'id '.repeat(501)} } }`, 'QUERY_TOO_BROAD'],
    'too many aliases': [
      `{ me { ${Array.from({ length: 51 }, (_, i) => `a${i}: id`).join(' ')} } }`,
      'QUERY_TOO_BROAD',
    ],
    'too many root fields': [
      `{ ${Array.from({ length: 21 }, (_, i) => `a${i}: me { id }`).join(' ')} }`,
      'QUERY_TOO_BROAD',
    ],
    'two mutations': [
      'mutation { a: archiveScenario(id: "1") { id } b: archiveScenario(id: "2") { id } }',
      'QUERY_TOO_BROAD',
    ],
    'two mutations in a fragment': [
      'mutation { ...f } fragment f on Mutation { a: archiveScenario(id: "1") { id } b: archiveScenario(id: "2") { id } }',
      'QUERY_TOO_BROAD',
    ],
    'fan-out of fragments': [
      `{ me { ...f0 } } ${Array.from({ length: 30 }, (_, i) => `fragment f${i} on Me { ${i === 29 ? 'id' : `...f${i + 1} ...f${i + 1}`} }`).join(' ')}`,
      'QUERY_TOO_BROAD',
    ],
    'expensive pages': [
      `{ ${Array.from({ length: 20 }, (_, i) => `a${i}: scenarios(first: 100) { edges { node { predictionLog { enabled } } } }`).join(' ')} }`,
      'QUERY_TOO_EXPENSIVE',
    ],
    'expensive pages through a variable': [
      `query ($n: Int!) { scenarios(first: $n) { edges { node { predictionLog { enabled } } } } }`,
      'QUERY_TOO_EXPENSIVE',
      { n: 100_000 },
    ],
    'expensive pages through a default': [
      `query ($n: Int! = 100000) { scenarios(first: $n) { edges { node { predictionLog { enabled } } } } }`,
      'QUERY_TOO_EXPENSIVE',
    ],
    'too many words': [`{ me { ${'id '.repeat(5000)} } }`, 'BAD_INPUT'],
    'no such field': ['{ nonsense }', 'BAD_INPUT'],
    'not GraphQL': ['{ me', 'BAD_INPUT'],
  };
  it.each(Object.entries(cases))('refuse: %s', async (_name, [query, code, variables]) => {
    const from = performance.now();
    const answer = await api.ask(key, query, variables ?? {});
    expect([codeOf(answer), answer.status]).toEqual([code, 400]);
    expect(performance.now() - from).toBeLessThan(1000);
  });

  it('admit what tools and consoles ask', async () => {
    const schema = await api.ask(key, getIntrospectionQuery());
    expect(schema.errors).toBeUndefined();
    const page = await api.ask(
      key,
      `{ scenarios(first: 100) { edges { cursor node { id name predictionLog { enabled leftOut } } } pageInfo { hasNextPage endCursor } } }`,
    );
    expect(page.errors).toBeUndefined();
  });

  it('keep the schema from strangers', async () => {
    const answer = await api.ask(null, getIntrospectionQuery());
    expect([answer.status, codeOf(answer)]).toEqual([401, 'UNAUTHENTICATED']);
  });

  const post = (body: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${api.url}/graphql`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}`, ...headers },
    });

  it('refuse what is no request', async () => {
    expect((await post('{"query": ')).status).toBe(400);
    expect((await post(JSON.stringify([{ query: '{ me { id } }' }]))).status).toBe(400);
    expect((await post('{ me { id } }', { 'content-type': 'text/plain' })).status).toBe(400);
    const large = await post(
      JSON.stringify({ query: '{ me { id } }', variables: { x: 'x'.repeat(5 * 1024 * 1024) } }),
    );
    expect(large.status).toBe(413);
    expect(await large.json()).toMatchObject({ errors: [{ extensions: { code: 'PAYLOAD_TOO_LARGE' } }] });
  });

  it('bound how often a caller comes', async () => {
    const database = await freshDatabase();
    const slow = await startApi(database, nats.url, { limits: { perSecond: 0.01, burst: 3 } });
    const { apiKey } = await bootstrapInstallation(slow.db, { tenantName: 'T' });
    const answers = await Promise.all(Array.from({ length: 6 }, () => slow.ask(apiKey, '{ me { id } }')));
    await slow.close();
    const limited = answers.filter((answer) => answer.status === 429);
    expect(limited).toHaveLength(3);
    expect(codeOf(limited[0])).toBe('RATE_LIMITED');
    expect(Number(limited[0]?.headers.get('retry-after'))).toBeGreaterThan(0);
  });
});

describe('an Idempotency-Key', () => {
  const CREATE =
    'mutation ($name: String!) { createScenario(input: { template: "traffic", name: $name }) { id createdAt } }';
  const create = (name: string, idempotencyKey: string, token = key) =>
    api.ask(token, CREATE, { name }, { 'idempotency-key': idempotencyKey });

  it('gives five at once one effect and one answer', async () => {
    const id = randomUUID();
    const answers = await Promise.all(Array.from({ length: 5 }, () => create('five', id)));
    expect(new Set(answers.map((answer) => JSON.stringify(answer.data))).size).toBe(1);
    expect(answers[0]?.errors).toBeUndefined();
    const late = await create('five', id);
    expect(late.data).toEqual(answers[0]?.data);
    const { data } = await api.ask(
      key,
      '{ auditEvents(first: 100) { edges { node { operation target } } } }',
    );
    const { id: target } = answers[0]?.data.createScenario;
    const edges = data.auditEvents.edges as unknown as { node: { target: string } }[];
    const records = edges.filter(({ node }: { node: { target: string } }) => node.target === target);
    expect(records).toHaveLength(1);
  });

  it('conflicts with another body, and is the caller’s own', async () => {
    const id = randomUUID();
    await create('one', id);
    const conflict = await create('two', id);
    expect([conflict.status, codeOf(conflict)]).toEqual([409, 'IDEMPOTENCY_CONFLICT']);
    const made = await api.ask(key, 'mutation { createApiKey(name: "other", scopes: [train]) { secret } }');
    const other = await create('three', id, made.data.createApiKey.secret);
    expect(other.errors).toBeUndefined();
  });

  it('does not remember a failure', async () => {
    const id = randomUUID();
    await create('taken', randomUUID());
    expect(codeOf(await create('taken', id))).toBe('CONFLICT');
    expect((await create('free', id)).errors).toBeUndefined();
  });

  it('is kept sealed', async () => {
    await api.ask(
      key,
      'mutation { createApiKey(name: "sealed", scopes: [read]) { secret } }',
      {},
      { 'idempotency-key': randomUUID() },
    );
    const rows = await api.db.asPlatform('test', (tx) =>
      tx.query<{ text: string }[]>(`select encode(answer, 'escape') as text from app.idempotency_key`),
    );
    expect(rows.length).toBeGreaterThan(0);
    for (const { text } of rows) expect(text).not.toMatch(/mm_|secret|scenario/);
  });
});

describe('pages', () => {
  it('follow one another without gaps', async () => {
    const database = await freshDatabase();
    const own = await startApi(database, nats.url);
    const { apiKey } = await bootstrapInstallation(own.db, { tenantName: 'T' });
    for (let i = 0; i < 5; i++)
      await own.ask(
        apiKey,
        `mutation { createScenario(input: { template: "churn", name: "s${i}" }) { id } }`,
      );
    const names: string[] = [];
    let after: string | null = null;
    do {
      const { data } = await own.ask(
        apiKey,
        'query ($after: String) { scenarios(first: 2, after: $after) { edges { node { name } } pageInfo { hasNextPage endCursor } } }',
        { after },
      );
      const edges = data.scenarios.edges as unknown as { node: { name: string } }[];
      names.push(...edges.map((edge) => edge.node.name));
      after = data.scenarios.pageInfo.hasNextPage ? data.scenarios.pageInfo.endCursor : null;
    } while (after !== null);
    await own.close();
    expect(names).toEqual(['s4', 's3', 's2', 's1', 's0']);
  });
  it.each([['first: 0'], ['first: 101'], ['after: "x"']])('refuse %s', async (page) => {
    expect(codeOf(await api.ask(key, `{ scenarios(${page}) { edges { cursor } } }`))).toBe('BAD_INPUT');
  });
});

describe('beside GraphQL', () => {
  it('serves health, metrics and an explorer that needs no internet', async () => {
    expect(await (await fetch(`${api.url}/livez`)).json()).toEqual({ status: 'ok' });
    expect(await (await fetch(`${api.url}/readyz`)).json()).toEqual({
      status: 'ready',
      parts: { postgres: 'ok', nats: 'ok' },
    });
    const metrics = await (await fetch(`${api.url}/metrics`)).text();
    expect(metrics).toContain('modelmint_operation_seconds_count{operation="scenarios",code="OK"}');
    expect(metrics).not.toContain('tenant=');
    const page = await fetch(`${api.url}/graphql`);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(await page.text()).not.toMatch(/<script[^>]+src=|<link[^>]+href="http/);
  });
  it('answers unknown addresses in the same shape', async () => {
    const answer = await fetch(`${api.url}/nowhere`);
    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({ errors: [{ extensions: { code: 'NOT_FOUND' } }] });
  });
  it('lets nobody subscribe without a credential, and only subscribe', async () => {
    const wsUrl = `${api.url.replace('http', 'ws')}/graphql`;
    const connect = (connectionParams: Record<string, unknown>) =>
      createClient({ url: wsUrl, webSocketImpl: WebSocket, connectionParams, retryAttempts: 0, lazy: true });
    const ask = (client: ReturnType<typeof connect>) =>
      new Promise<unknown>((resolve, reject) => {
        client.subscribe(
          { query: '{ me { id } }' },
          { next: resolve, error: reject, complete: () => resolve(null) },
        );
      });
    const stranger = connect({});
    await expect(ask(stranger)).rejects.toMatchObject({ code: 4403 });
    const known = connect({ authorization: `Bearer ${key}` });
    await expect(ask(known)).rejects.toMatchObject([{ extensions: { code: 'BAD_INPUT' } }]);
    await known.dispose();
    await stranger.dispose();
  });

  it('cuts a connection when its credential is revoked', async () => {
    const made = await api.ask(
      key,
      'mutation { createApiKey(name: "ws", scopes: [read]) { secret apiKey { id } } }',
    );
    const { secret, apiKey } = made.data.createApiKey;
    const closed = new Promise<number>((resolve, reject) => {
      const client = createClient({
        url: `${api.url.replace('http', 'ws')}/graphql`,
        webSocketImpl: WebSocket,
        connectionParams: { authorization: `Bearer ${secret}` },
        retryAttempts: 0,
        lazy: false,
        onNonLazyError: () => undefined,
        on: {
          connected: () => {
            api.ask(key, `mutation { revokeApiKey(id: "${apiKey.id}") { id } }`).catch(reject);
          },
          closed: (event) => {
            resolve((event as { code: number }).code);
            void client.dispose();
          },
        },
      });
    });
    expect(await closed).toBe(4403);
  });

  it('is not ready any more once it drains, and still alive', async () => {
    const database = await freshDatabase();
    const own = await startApi(database, nats.url);
    own.api.drain();
    const ready = await fetch(`${own.url}/readyz`);
    expect([ready.status, await ready.json()]).toMatchObject([503, { status: 'draining' }]);
    expect((await fetch(`${own.url}/livez`)).status).toBe(200);
    await own.close();
  });

  it('opens invitations on a page that loads nothing', async () => {
    const page = await fetch(`${api.url}/invitation`);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(await page.text()).not.toMatch(/src=|href=/);
  });
});

describe('the schema', () => {
  it('is not built with an operation that does not say who may call it', () => {
    @Resolver()
    class Careless {
      @Query(() => String)
      careless(): string {
        return 'x';
      }
    }
    expect(() => buildApiSchema([Careless], [new Careless()])).toThrow('Query.careless');
  });
});

describe('the session cookie', () => {
  it('is held to the host and to https where there is https', () => {
    const { name, secure } = sessionCookie('https://models.example.org');
    expect(setCookieHeader(name, 'mms_x', 60, secure)).toBe(
      '__Host-mm_session=mms_x; Max-Age=60; Path=/; HttpOnly; SameSite=Strict; Secure',
    );
  });
});
