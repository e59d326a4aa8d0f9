import { randomUUID } from 'node:crypto';
import { SCOPES } from '../../src/platform/context';
import type { TestPlatform } from './platform';

export interface TenantAccess {
  readonly tenantId: string;
  /** May do everything in its tenant. */
  readonly apiKey: string;
}

/** A further tenant, made the way an operator and its first owner make one. */
export const addTenant = async (
  platform: Pick<TestPlatform, 'endpoint' | 'operatorToken'>,
  name: string,
): Promise<TenantAccess> => {
  const post = async <T>(
    query: string,
    variables: Record<string, unknown>,
    headers: Record<string, string>,
  ): Promise<{ data: T; cookie: string }> => {
    const response = await fetch(platform.endpoint, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ query, variables }),
    });
    const answer = (await response.json()) as { data?: T | null; errors?: { message: string }[] };
    if (answer.errors?.[0] || !answer.data) throw new Error(answer.errors?.[0]?.message ?? 'no answer');
    const [cookie = ''] = (response.headers.getSetCookie()[0] ?? '').split(';');
    return { data: answer.data, cookie };
  };
  const email = `${randomUUID()}@example.com`;
  const password = randomUUID();
  const made = await post<{ createTenant: { tenant: { id: string }; invitation: { token: string } } }>(
    `mutation CreateTenant($name: String!, $email: String!) {
       createTenant(name: $name, ownerEmail: $email) { tenant { id } invitation { token } }
     }`,
    { name, email },
    { authorization: `Bearer ${platform.operatorToken}` },
  );
  const { tenant, invitation } = made.data.createTenant;
  await post(
    `mutation Accept($token: String!, $password: String!) {
       acceptInvitation(token: $token, name: "owner", password: $password) { id }
     }`,
    { token: invitation.token, password },
    {},
  );
  const { cookie } = await post(
    `mutation Login($email: String!, $password: String!) {
       login(email: $email, password: $password) { tenant { id } }
     }`,
    { email, password },
    {},
  );
  const key = await post<{ createApiKey: { secret: string } }>(
    `mutation Key($scopes: [Scope!]!) { createApiKey(name: "all", scopes: $scopes) { secret } }`,
    { scopes: SCOPES },
    { cookie },
  );
  return { tenantId: tenant.id, apiKey: key.data.createApiKey.secret };
};
