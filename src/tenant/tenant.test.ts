import { bootstrapInstallation } from '.';
import { freshDatabase } from '../../test/support/database';
import type { TestDatabase } from '../../test/support/database';
import { startNats } from '../../test/support/nats';
import type { TestNats } from '../../test/support/nats';
import { startApi } from '../../test/support/api';
import type { TestApi } from '../../test/support/api';

let database: TestDatabase;
let nats: TestNats;
let one: TestApi;
let two: TestApi;
let first: Awaited<ReturnType<typeof bootstrapInstallation>>;

beforeAll(async () => {
  [database, nats] = await Promise.all([freshDatabase(), startNats()]);
  [one, two] = await Promise.all([startApi(database, nats.url), startApi(database, nats.url)]);
  first = await bootstrapInstallation(one.db, { tenantName: 'Acme' });
});
afterAll(async () => {
  try {
    await Promise.all([one.close(), two.close()]);
  } finally {
    await nats.stop();
  }
});

const PASSWORD = 'correct horse battery';

const cookieOf = (headers: Headers): string => (headers.get('set-cookie') ?? '').split(';')[0] ?? '';

const newTenant = async (name: string): Promise<{ id: string; email: string; cookie: string }> => {
  const email = `${name.toLowerCase()}@example.org`;
  const made = await one.ask(
    first.operatorToken,
    `mutation ($name: String!, $email: String!) { createTenant(name: $name, ownerEmail: $email) { tenant { id } invitation { token link } } }`,
    { name, email },
  );
  const { tenant, invitation } = made.data.createTenant as unknown as {
    tenant: { id: string };
    invitation: { link: string; token: string };
  };
  expect(invitation.link).toContain(`#${invitation.token}`);
  const accepted = await one.ask(
    null,
    `mutation ($token: String!, $password: String!) { acceptInvitation(token: $token, name: "Owner", password: $password) { email role } }`,
    { token: invitation.token, password: PASSWORD },
  );
  expect(accepted.data.acceptInvitation).toEqual({ email, role: 'owner' });
  return { id: tenant.id, email, cookie: await login(email) };
};

const LOGIN = `mutation ($email: String!, $password: String!) { login(email: $email, password: $password) { member { email } tenant { name } } }`;
const login = async (email: string): Promise<string> => {
  const answer = await one.ask(null, LOGIN, { email, password: PASSWORD });
  expect(answer.errors).toBeUndefined();
  return cookieOf(answer.headers);
};

const CREATE_KEY = `mutation ($scopes: [Scope!]!, $expiresAt: DateTimeISO) { createApiKey(name: "k", scopes: $scopes, expiresAt: $expiresAt) { secret apiKey { id publicId lastUsedAt } } }`;

describe('the first start', () => {
  it('makes an operator, a tenant and a key, and no second tenant when it is repeated', async () => {
    const again = await bootstrapInstallation(one.db, { tenantName: 'Other' });
    expect(again.tenantId).toBe(first.tenantId);
    const me = await one.ask(first.apiKey, '{ me { kind scopes tenant { name } member { id } } }');
    expect(me.data.me).toMatchObject({ kind: 'apiKey', tenant: { name: 'Acme' }, member: null });
    const operator = await one.ask(
      first.operatorToken,
      '{ me { kind tenant { id } } tenants { edges { node { name } } } }',
    );
    expect(operator.data).toEqual({
      me: { kind: 'operator', tenant: null },
      tenants: { edges: [{ node: { name: 'Acme' } }] },
    });
  });
});

describe('members', () => {
  it('come by a one-time link, log in, and log out', async () => {
    const tenant = await newTenant('Beta');
    const me = '{ me { kind member { role } tenant { id } } }';
    const asked = await two.ask(null, me, {}, { cookie: tenant.cookie });
    expect(asked.data.me).toEqual({ kind: 'member', member: { role: 'owner' }, tenant: { id: tenant.id } });
    const out = await one.ask(null, 'mutation { logout }', {}, { cookie: tenant.cookie });
    expect(out.data).toEqual({ logout: true });
    const after = await two.ask(null, me, {}, { cookie: tenant.cookie });
    expect(after.status).toBe(401);
    expect(after.errors?.[0]?.extensions.code).toBe('UNAUTHENTICATED');
  });

  it('cannot use a link twice, nor an unknown one', async () => {
    const tenant = await newTenant('Gamma');
    const invited = await one.ask(
      null,
      `mutation { inviteMember(email: "a@example.org", role: analyst) { token } }`,
      {},
      { cookie: tenant.cookie },
    );
    const accept = (token: string) =>
      one.ask(
        null,
        `mutation ($token: String!) { acceptInvitation(token: $token, name: "A", password: "long enough 1234") { id role } }`,
        { token },
      );
    const { token } = invited.data.inviteMember;
    expect((await accept(token)).data.acceptInvitation.role).toBe('analyst');
    expect((await accept(token)).errors?.[0]?.extensions.code).toBe('STATE_CONFLICT');
    const typo = token.slice(0, -1) + (token.endsWith('a') ? 'b' : 'a');
    expect((await accept(typo)).errors?.[0]?.extensions.code).toBe('NOT_FOUND');
  });

  it('keep an owner, and an admin does not make owners', async () => {
    const tenant = await newTenant('Delta');
    const headers = { cookie: tenant.cookie };
    const { data } = await one.ask(null, '{ me { id } }', {}, headers);
    const demote = await one.ask(
      null,
      `mutation { setMemberRole(memberId: "${data.me.id}", role: analyst) { id } }`,
      {},
      headers,
    );
    expect(demote.errors?.[0]?.extensions.code).toBe('STATE_CONFLICT');
    const removed = await one.ask(
      null,
      `mutation { removeMember(memberId: "${data.me.id}") { id } }`,
      {},
      headers,
    );
    expect(removed.errors?.[0]?.extensions.code).toBe('STATE_CONFLICT');
  });

  it('get a cookie that scripts and other sites cannot use', async () => {
    const tenant = await newTenant('Cookie');
    const answer = await one.ask(null, LOGIN, { email: tenant.email, password: PASSWORD });
    expect(answer.headers.get('set-cookie')).toMatch(
      /^mm_session=mms_\w+; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict$/,
    );
    const foreign = await one.ask(
      null,
      '{ me { id } }',
      {},
      { cookie: tenant.cookie, origin: 'https://evil.example' },
    );
    expect(foreign.errors?.[0]?.extensions.code).toBe('FORBIDDEN');
  });

  it('are not told apart from strangers, and guessing ends', async () => {
    const tenant = await newTenant('Epsilon');
    const guess = (email: string) => one.ask(null, LOGIN, { email, password: 'wrong wrong wrong' });
    const known = await guess(tenant.email);
    const unknown = await guess('nobody@example.org');
    const body = (answer: typeof known) => ({
      message: answer.errors?.[0]?.message,
      code: answer.errors?.[0]?.extensions.code,
      status: answer.status,
    });
    expect(body(known)).toEqual(body(unknown));
    expect(body(known)).toEqual({
      message: 'e-mail or password is wrong',
      code: 'UNAUTHENTICATED',
      status: 401,
    });
    for (let i = 0; i < 9; i++) await guess(tenant.email);
    const limited = await guess(tenant.email);
    expect(limited.errors?.[0]?.extensions.code).toBe('RATE_LIMITED');
    const right = await one.ask(null, LOGIN, { email: tenant.email, password: PASSWORD });
    expect(right.errors?.[0]?.extensions.code).toBe('RATE_LIMITED');
  });
});

describe('API keys', () => {
  const expectRefused = async (api: TestApi, key: string) => {
    const answer = await api.ask(key, '{ me { id } }');
    expect(answer.status).toBe(401);
    expect(answer.errors?.[0]?.extensions.code).toBe('UNAUTHENTICATED');
  };

  it('are refused when malformed, unknown, expired, or lacking the scope', async () => {
    await expectRefused(one, 'mm_nonsense');
    await expectRefused(one, `${first.apiKey.slice(0, -1)}${first.apiKey.endsWith('a') ? 'b' : 'a'}`);
    await expectRefused(one, `mm_${'A'.repeat(12)}_${'B'.repeat(38)}`);
    await expectRefused(one, 'mmo_nonsense');
    const soon = new Date(Date.now() + 400).toISOString();
    const made = await one.ask(first.apiKey, CREATE_KEY, { scopes: ['read'], expiresAt: soon });
    const { secret } = made.data.createApiKey;
    expect((await one.ask(secret, '{ me { id } }')).errors).toBeUndefined();
    const admin = await one.ask(secret, '{ apiKeys { edges { node { id } } } }');
    expect(admin.errors?.[0]?.extensions.code).toBe('FORBIDDEN');
    await new Promise((resolve) => setTimeout(resolve, 500));
    await expectRefused(one, secret);
  });

  it('are not stored', async () => {
    const [row] = await one.db.asPlatform('test', (tx) =>
      tx.query<{ text: string }[]>('select k::text as text from app.api_key k limit 1'),
    );
    expect(row?.text).not.toContain(first.apiKey.split('_')[2]);
  });

  it('are refused by every gateway within a second of their revocation', async () => {
    const { data } = await one.ask(first.apiKey, CREATE_KEY, { scopes: ['read'] });
    const { secret, apiKey } = data.createApiKey;
    for (const api of [one, two]) expect((await api.ask(secret, '{ me { id } }')).errors).toBeUndefined();
    await one.ask(first.apiKey, `mutation { revokeApiKey(id: "${apiKey.id}") { revokedAt } }`);
    const from = performance.now();
    while ((await two.ask(secret, '{ me { id } }')).status === 200) {
      if (performance.now() - from > 1000) throw new Error('still accepted after a second');
    }
    await expectRefused(one, secret);
  });

  it('are refused after a revocation that a gateway could not hear of', async () => {
    const { data } = await one.ask(first.apiKey, CREATE_KEY, { scopes: ['read'] });
    const { secret, apiKey } = data.createApiKey;
    expect((await two.ask(secret, '{ me { id } }')).errors).toBeUndefined();
    await nats.kill();
    await new Promise((resolve) => setTimeout(resolve, 1100));
    await one.ask(first.apiKey, `mutation { revokeApiKey(id: "${apiKey.id}") { revokedAt } }`);
    await expectRefused(two, secret);
    await nats.start();
  });

  it('work on in a rotation until the overlap ends', async () => {
    const { data } = await one.ask(first.apiKey, CREATE_KEY, { scopes: ['read', 'predict'] });
    const { secret: old, apiKey } = data.createApiKey;
    const rotate = (hours: number) =>
      one.ask(
        first.apiKey,
        `mutation { rotateApiKey(id: "${apiKey.id}", overlapHours: ${hours}) { secret apiKey { scopes } } }`,
      );
    const rotated = await rotate(1);
    expect(rotated.data.rotateApiKey.apiKey.scopes).toEqual(['read', 'predict']);
    expect((await one.ask(old, '{ me { id } }')).errors).toBeUndefined();
    expect((await one.ask(rotated.data.rotateApiKey.secret, '{ me { id } }')).errors).toBeUndefined();
    expect((await rotate(1)).errors?.[0]?.extensions.code).toBe('STATE_CONFLICT');
  });

  it('give nobody a scope that they do not have', async () => {
    const { data } = await one.ask(first.apiKey, CREATE_KEY, { scopes: ['admin', 'read'] });
    const refused = await one.ask(data.createApiKey.secret, CREATE_KEY, { scopes: ['predict'] });
    expect(refused.errors?.[0]?.extensions.code).toBe('FORBIDDEN');
  });
});
