import { randomInt, randomUUID } from 'node:crypto';
import { Client } from 'pg';
import type { ScenarioId, TenantId } from '../../contracts';
import { Database } from '../../src/platform/database';
import type { TenantTx } from '../../src/platform/database';
import { Scenario } from '../../src/scenario';
import { tenantEntities } from '../../src/tenant';
import { freshDatabase } from '../support/database';
import type { TestDatabase } from '../support/database';

const OPERATIONS = 10_000;
const AT_ONCE = 32;
const ABORTED = 0.05;

/** Mulberry32: a run is repeated with MM_SEED. */
const generator = (seed: number) => (): number => {
  seed = (seed + 0x6d2b79f5) | 0;
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
};

interface Side {
  readonly tenantId: TenantId;
  readonly scenarios: ScenarioId[];
}

class Aborted extends Error {}

const insertScenario = async (tx: TenantTx, tenantId: TenantId, id: string, name: string): Promise<void> => {
  await tx.query(
    `insert into app.scenario (tenant_id, id, name, task, target, goal_metric, currency)
     values ($1, $2, $3, 'regression', 'y', 'rmse', 'EUR')`,
    [tenantId, id, name],
  );
};

/** Refused by the policy or by a composite key: what an attempt at another tenant must end in, or in nothing. */
const isRefusal = (error: unknown): boolean =>
  ['42501', '23503', '23505'].includes(String((error as { code?: unknown }).code));

describe('two tenants on one pool', () => {
  let database: TestDatabase;
  let db: Database;
  let sides: [Side, Side];

  beforeAll(async () => {
    database = await freshDatabase();
    db = await Database.connect({
      appUrl: database.appUrl,
      platformUrl: database.platformUrl,
      entities: [...tenantEntities, Scenario],
      poolSize: 10,
    });
    const side = async (name: string): Promise<Side> => {
      const tenantId = randomUUID() as TenantId;
      await db.asPlatform('test', (tx) =>
        tx.query('insert into app.tenant (tenant_id, name) values ($1, $2)', [tenantId, name]),
      );
      const scenarios = Array.from({ length: 5 }, () => randomUUID() as ScenarioId);
      // Both have the same names: a key without the tenant would collide.
      for (const [i, id] of scenarios.entries())
        await db.within({ tenantId }, (tx) => insertScenario(tx, tenantId, id, `scenario ${i}`));
      return { tenantId, scenarios };
    };
    sides = [await side('A'), await side('B')];
  });
  afterAll(() => db.close());

  it(`sees and changes nothing of each other's in ${OPERATIONS} random operations`, async () => {
    const seed = Number(process.env['MM_SEED'] ?? randomInt(2 ** 31));
    const random = generator(seed);
    const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)];
    let foreign = 0;

    const operations: ((tx: TenantTx, mine: Side, theirs: Side) => Promise<void>)[] = [
      async (tx, mine) => {
        const rows = await tx.query<{ tenant_id: string }[]>('select tenant_id from app.scenario');
        foreign += rows.filter((row) => row.tenant_id !== mine.tenantId).length;
      },
      async (tx, _mine, theirs) => {
        if ((await tx.findOneBy(Scenario, { id: pick(theirs.scenarios) })) !== null) foreign++;
      },
      async (tx, mine) => {
        if ((await tx.findOneBy(Scenario, { id: mine.scenarios[0] })) === null) foreign++;
      },
      async (tx, mine) => {
        const rows = await tx.query<{ tenant_id: string }[]>(
          'select s.tenant_id from app.tenant t join app.scenario s on true',
        );
        foreign += rows.filter((row) => row.tenant_id !== mine.tenantId).length;
      },
      async (tx, _mine, theirs) => {
        const [, changed] = await tx.query<[unknown, number]>(
          `update app.scenario set name = 'taken over' where id = $1`,
          [pick(theirs.scenarios)],
        );
        foreign += changed;
      },
      async (tx, _mine, theirs) => {
        await insertScenario(tx, theirs.tenantId, randomUUID(), `planted ${random()}`);
        foreign++;
      },
      async (tx, mine, theirs) => {
        // A parent of another tenant: refused by the composite key.
        await tx.query(`insert into app.model (tenant_id, id, scenario_id, name) values ($1, $2, $3, $4)`, [
          mine.tenantId,
          randomUUID(),
          pick(theirs.scenarios),
          `d${random()}`,
        ]);
        foreign++;
      },
      async (tx, _mine, theirs) => {
        await tx.query('update app.scenario set tenant_id = $1', [theirs.tenantId]);
        foreign++;
      },
      async (tx) => {
        const [row] = await tx.query<{ tenants: string }[]>(
          'select count(distinct tenant_id) as tenants from app.scenario',
        );
        if (row?.tenants !== '1') foreign++;
      },
      async (tx, mine) => {
        await insertScenario(tx, mine.tenantId, randomUUID(), `own ${random()}`);
        throw new Aborted(); // keeps the table small, and a transaction that ends badly is part of the game
      },
      async (tx, _mine, theirs) => {
        await tx.query(`select set_config('app.tenant_id', $1, true)`, [theirs.tenantId]);
        foreign++;
      },
    ];

    let started = 0;
    const worker = async (): Promise<void> => {
      while (started++ < OPERATIONS) {
        const [mine, theirs] = random() < 0.5 ? sides : ([sides[1], sides[0]] as const);
        const operation = pick(operations);
        const aborts = random() < ABORTED;
        await db
          .within(mine, async (tx) => {
            await operation(tx, mine, theirs);
            if (aborts) throw new Aborted();
          })
          .catch((error: unknown) => {
            if (!(error instanceof Aborted) && !isRefusal(error)) throw error;
          });
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    expect({ seed, foreign }).toEqual({ seed, foreign: 0 });

    const client = new Client({ connectionString: database.superuserUrl });
    await client.connect();
    const { rows } = await client.query<{ tenant_id: string; names: string }>(
      `select tenant_id, string_agg(name, ',' order by name) as names from app.scenario group by tenant_id`,
    );
    await client.end();
    const names = 'scenario 0,scenario 1,scenario 2,scenario 3,scenario 4';
    expect(rows.map((row) => row.names)).toEqual([names, names]);
  });

  it('leaves no tenant on a connection, and sees nothing without one', async () => {
    const client = new Client({ connectionString: database.appUrl });
    await client.connect();
    const { rows } = await client.query('select count(*)::int as n from app.scenario');
    expect(rows).toEqual([{ n: 0 }]);
    await client.query(`begin; set local app.tenant_id = '${sides[0].tenantId}'; commit`);
    const after = await client.query(
      `select current_setting('app.tenant_id', true) as left, app.tid() as tid`,
    );
    expect(after.rows).toEqual([{ left: '', tid: null }]);
    await client.end();
  });

  it('refuses a scope that is no id', async () => {
    const scope = { tenantId: `x'; drop table app.scenario; --` as TenantId };
    await expect(db.within(scope, async () => undefined)).rejects.toMatchObject({ code: 'INTERNAL' });
  });

  it('leaves the audit record as it is, whoever asks', async () => {
    const [{ tenantId }] = sides;
    await db.within({ tenantId }, (tx) =>
      tx.query(
        `insert into app.audit_event (tenant_id, id, actor_kind, actor_id, operation, request_id)
         values ($1, $2, 'system', 'test', 'test', 'r')`,
        [tenantId, randomUUID()],
      ),
    );
    for (const sql of [
      `update app.audit_event set operation = 'x'`,
      'delete from app.audit_event',
      'truncate app.audit_event',
    ]) {
      await expect(db.within({ tenantId }, (tx) => tx.query(sql))).rejects.toMatchObject({ code: '42501' });
      await expect(db.asPlatform('test', (tx) => tx.query(sql))).rejects.toMatchObject({ code: '42501' });
    }
    const owner = new Client({ connectionString: database.superuserUrl });
    await owner.connect();
    await expect(owner.query(`update app.audit_event set operation = 'x'`)).rejects.toThrow('append-only');
    await expect(owner.query('truncate app.audit_event')).rejects.toThrow('append-only');
    await owner.end();
  });
});
