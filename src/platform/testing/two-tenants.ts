/** For tests: a database and NATS of the test file's own, and two tenants with a scenario each. */
import { Client } from 'pg';
import type { EntityTarget, ObjectLiteral } from 'typeorm';
import type { ScenarioId, TenantId } from '../../../contracts';
import { freshDatabase } from '../../../test/support/database';
import type { TestDatabase } from '../../../test/support/database';
import { startNats } from '../../../test/support/nats';
import type { TestNats } from '../../../test/support/nats';
import type { TenantContext } from '../context';
import { SCOPES } from '../context';
import { Database } from '../database';
import { newId } from '../ids';
import { createLogger } from '../log';
import { Messaging } from '../messaging';

export interface TestTenant {
  readonly ctx: TenantContext;
  readonly tenantId: TenantId;
  readonly scenarioId: ScenarioId;
}

export interface TwoTenants {
  readonly db: Database;
  readonly messaging: Messaging;
  readonly nats: TestNats;
  readonly a: TestTenant;
  readonly b: TestTenant;
  readonly addTenant: () => Promise<TestTenant>;
  /** As superuser, past every policy. */
  readonly look: <Row>(sql: string, values?: unknown[]) => Promise<Row[]>;
  readonly appUrl: string;
  readonly platformUrl: string;
  close(): Promise<void>;
}

export const log = createLogger('test', process.env['MM_TEST_LOG'] ?? 'silent');

export const twoTenants = async (
  entities: readonly EntityTarget<ObjectLiteral>[] = [],
): Promise<TwoTenants> => {
  const urls = await freshDatabase();
  const nats = await startNats();
  try {
    return await furnish(urls, nats, entities);
  } catch (error) {
    await nats.stop();
    throw error;
  }
};

const furnish = async (
  { appUrl, platformUrl, superuserUrl }: TestDatabase,
  nats: TestNats,
  entities: readonly EntityTarget<ObjectLiteral>[],
): Promise<TwoTenants> => {
  const db = await Database.connect({ appUrl, platformUrl, entities });
  const messaging = await Messaging.connect(nats.url, 'test', log);
  await messaging.ensureStreams();
  const superuser = new Client({ connectionString: superuserUrl });
  await superuser.connect();
  const look = async <Row>(sql: string, values: unknown[] = []): Promise<Row[]> =>
    (await superuser.query(sql, values)).rows as Row[];
  const addTenant = async (): Promise<TestTenant> => {
    const tenantId = newId<TenantId>();
    const scenarioId = newId<ScenarioId>();
    await look('insert into app.tenant (tenant_id, name) values ($1, $2)', [
      tenantId,
      `t${tenantId.slice(-12)}`,
    ]);
    await look(
      `insert into app.scenario (tenant_id, id, name, task, target, goal_metric, currency)
       values ($1, $2, 'prices', 'regression', 'price', 'rmse', 'EUR')`,
      [tenantId, scenarioId],
    );
    const ctx: TenantContext = {
      tenantId,
      principal: { kind: 'system', reason: 'test', scopes: SCOPES },
      requestId: newId(),
      log,
    };
    return { ctx, tenantId, scenarioId };
  };
  return {
    db,
    messaging,
    nats,
    a: await addTenant(),
    b: await addTenant(),
    addTenant,
    look,
    appUrl,
    platformUrl,
    close: async () => {
      await superuser.end();
      await messaging.close();
      await db.close();
      await nats.stop();
    },
  };
};

export const eventually = async <T>(
  read: () => Promise<T>,
  until: (value: T) => boolean,
  withinMs = 10_000,
): Promise<T> => {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const value = await read();
    if (until(value)) return value;
    if (Date.now() > deadline) throw new Error(`still ${JSON.stringify(value)} after ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};
