/** A gateway's API with the features of people and scenarios, on a real database and a real nats-server, in this process. */
import 'reflect-metadata';
import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { createApi } from '../../src/api/server';
import type { Api, ApiOptions } from '../../src/api/server';
import { Commands } from '../../src/platform/command';
import { Database } from '../../src/platform/database';
import { createLogger } from '../../src/platform/log';
import { Messaging } from '../../src/platform/messaging';
import { Metrics } from '../../src/platform/metrics';
import { Pulse } from '../../src/platform/pulse';
import { Scenario, ScenarioResolver, ScenarioService } from '../../src/scenario';
import {
  ApiKeyResolver,
  ApiKeyService,
  Credentials,
  InvitationLinks,
  LoginGuard,
  MemberResolver,
  MemberService,
  Passwords,
  SessionService,
  tenantEntities,
  TenantResolver,
  TenantService,
} from '../../src/tenant';
import type { TestDatabase } from './database';

/** Any part of an answer: read by name, or as text. A read that the schema does not promise fails its test. */
export type Part = string & { readonly [field: string]: Part };

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly data: Part;
  readonly errors?: readonly {
    message: string;
    path?: readonly (string | number)[];
    extensions: { code: string; hint?: string; path?: unknown; errorId: string; requestId: string };
  }[];
  readonly text: string;
}

export interface TestApi {
  readonly url: string;
  readonly api: Api;
  readonly db: Database;
  readonly commands: Commands;
  readonly credentials: Credentials;
  ask(
    token: string | null,
    query: string,
    variables?: Record<string, unknown>,
    headers?: Record<string, string>,
  ): Promise<Answer>;
  close(): Promise<void>;
}

export const SECRET = randomBytes(32);

/** One POST to `/graphql`. */
export const ask = async (
  url: string,
  token: string | null,
  query: string,
  variables: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): Promise<Answer> => {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...headers,
    },
    body: JSON.stringify({ query, variables }),
  });
  const text = await response.text();
  const body = JSON.parse(text) as Pick<Answer, 'data' | 'errors'>;
  return { status: response.status, headers: response.headers, text, ...body };
};

/** Starts on a free port. Several may share a database and a nats-server, as gateways do. */
export const startApi = async (
  database: TestDatabase,
  natsUrl: string,
  options: Partial<Pick<ApiOptions, 'limits'>> & { gatewayId?: string } = {},
): Promise<TestApi> => {
  const log = createLogger('test', 'silent');
  const db = await Database.connect({
    appUrl: database.appUrl,
    platformUrl: database.platformUrl,
    entities: [...tenantEntities, Scenario],
  });
  const gatewayId = options.gatewayId ?? `test-${randomBytes(4).toString('hex')}`;
  const messaging = await Messaging.connect(natsUrl, gatewayId, log);
  const commands = new Commands(db, SECRET);
  const passwords = new Passwords();
  const sessions = new SessionService(db, passwords, new LoginGuard(db));
  const pulse = new Pulse(messaging, gatewayId, log);
  const credentials = new Credentials(db, messaging, pulse, sessions, log);
  const tenants = new TenantService(db);
  const members = new MemberService(db, passwords);
  let url = 'http://127.0.0.1';
  const links = new InvitationLinks(() => url);
  const resolvers = [
    new TenantResolver(tenants, members, commands, links),
    new MemberResolver(members, tenants, sessions, commands, links),
    new ApiKeyResolver(new ApiKeyService(db, messaging), commands),
    new ScenarioResolver(new ScenarioService(db, messaging), commands),
  ];
  const metrics = new Metrics();
  const api = await createApi({
    resolverClasses: resolvers.map((resolver) => resolver.constructor),
    resolvers,
    authenticator: credentials,
    checks: { postgres: () => db.ping(), nats: () => messaging.ping() },
    metrics,
    log,
    publicUrl: () => url,
    ...(options.limits === undefined ? {} : { limits: options.limits }),
  });
  credentials.start();
  pulse.start();
  await api.app.listen({ port: 0, host: '127.0.0.1' });
  url = `http://127.0.0.1:${(api.app.server.address() as AddressInfo).port}`;
  return {
    url,
    api,
    db,
    commands,
    credentials,
    ask: (token, query, variables, headers) => ask(url, token, query, variables, headers),
    close: async () => {
      await api.app.close();
      pulse.stop();
      await credentials.stop();
      await messaging.close();
      await db.close();
      metrics.registry.clear();
    },
  };
};
