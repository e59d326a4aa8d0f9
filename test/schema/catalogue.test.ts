import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { migrations } from '../../migrations';
import { LINT_RULES, lintCatalogue, platformGrants } from '../../src/platform/database/lint';
import type { LintRule } from '../../src/platform/database/lint';
import { migrate } from '../../src/platform/database';
import { freshDatabase } from '../support/database';

/** One fault for each rule, as somebody might commit it. */
const FAULTS: Record<LintRule, string> = {
  'row-level security is not forced': 'alter table app.scenario no force row level security',
  'a table has no tenant_id': 'create table app.stray (id uuid primary key)',
  'tenant_id may be null': `
    alter table app.idempotency_key drop constraint idempotency_key_pkey;
    alter table app.idempotency_key alter column tenant_id drop not null`,
  'a policy does not check what is written': `
    drop policy tenant on app.scenario;
    create policy tenant on app.scenario for all to mm_app using (tenant_id = (select app.tid()))`,
  'a table has row-level security and no policy': 'drop policy tenant on app.scenario',
  'a unique key does not hold tenant_id': 'create unique index stray on app.scenario (name)',
  'a foreign key does not hold tenant_id': `
    create table app.stray (tenant_id uuid not null, id uuid not null unique, primary key (tenant_id, id));
    alter table app.scenario add constraint stray foreign key (id) references app.stray (id)`,
  'a partition can be read directly': `
    create table app.stray (tenant_id uuid not null, at date not null) partition by range (at);
    create table app.stray_2026 partition of app.stray for values from ('2026-01-01') to ('2027-01-01');
    grant select on app.stray_2026 to mm_app`,
  'a view does not run as its caller': 'create view app.stray as select * from app.scenario',
  'a materialized view can be read': `
    create materialized view app.stray as select * from app.scenario; grant select on app.stray to mm_app`,
  'a function runs as its owner': `
    create function app.stray() returns bigint language sql security definer as 'select count(*) from app.scenario'`,
  'TRUNCATE, REFERENCES or TRIGGER is granted': 'grant truncate on app.scenario to mm_app',
  'a role of the gateway is above the policies': 'alter table app.scenario owner to mm_app',
};

/** The closed list of what crosses tenants. A new line here is a decision: say why in the review. */
const PLATFORM_GRANTS = [
  'api_key: select, update',
  'audit_event: insert',
  'deployment: select',
  'deployment_revision: select',
  'idempotency_key: delete, insert, select, update',
  'invitation: insert, select',
  'login_attempt: delete, insert, select',
  'member: select',
  'operator: insert, select',
  'outbox: select, update',
  'plan: insert, select',
  'prediction: insert, select',
  'prediction_pack: select',
  'price: insert, select',
  'session: select, update',
  'stored_object: select, update',
  'task: select',
  'tenant: insert, select',
  'tenant_plan: insert, select',
  'usage_conflict: insert, select',
  'usage_cursor: insert, select, update',
  'usage_day: insert, select, update',
  'usage_dead_letter: insert, select',
  'usage_event: insert, select',
  'usage_key: insert, select',
  'usage_producer: insert, select, update',
];

describe('the catalogue', () => {
  let url: string;
  beforeAll(async () => {
    url = (await freshDatabase()).superuserUrl;
  });

  const withClient = async <T>(work: (client: Client) => Promise<T>): Promise<T> => {
    const client = new Client({ connectionString: url });
    await client.connect();
    try {
      return await work(client);
    } finally {
      await client.end();
    }
  };
  const lint = (client: Client) =>
    lintCatalogue(
      async (sql, values) => (await client.query<Record<string, unknown>>(sql, [...values])).rows,
    );

  it('has no hole', async () => {
    expect(await withClient(lint)).toEqual([]);
  });

  it.each(LINT_RULES)('would be caught: %s', async (rule) => {
    await withClient(async (client) => {
      await client.query('begin');
      await client.query(FAULTS[rule]);
      const found = await lint(client);
      await client.query('rollback');
      expect(found.map((finding) => finding.rule)).toContain(rule);
    });
  });

  it('lets the platform role do what is on the list, and nothing else', async () => {
    const grants = await withClient((client) =>
      platformGrants(
        async (sql, values) => (await client.query<Record<string, unknown>>(sql, [...values])).rows,
      ),
    );
    expect(grants).toEqual(PLATFORM_GRANTS);
  });

  it('has no way to switch tenant inside an expression', async () => {
    const { rows } = await withClient((client) =>
      client.query(
        `select has_function_privilege('mm_app', 'set_config(text, text, boolean)', 'execute') as may`,
      ),
    );
    expect(rows).toEqual([{ may: false }]);
  });

  it('stays as it is when it is migrated again', async () => {
    const database = await freshDatabase();
    // The cluster's passwords are those of all tests: this run must not change them.
    const { password: app } = new URL(database.appUrl);
    const { password: platform } = new URL(database.platformUrl);
    expect(await migrate(database.ownerUrl, { app, platform })).toEqual([]);
  });

  it('is refused, and stays as it is, where a migration that ran has other statements now', async () => {
    const database = await freshDatabase();
    const passwords = {
      app: new URL(database.appUrl).password,
      platform: new URL(database.platformUrl).password,
    };
    const newest: new () => MigrationInterface = migrations[migrations.length - 1];
    class Edited extends newest {
      override async up(runner: QueryRunner): Promise<void> {
        await super.up(runner);
        await runner.query('alter table app.job add column more text');
      }
    }
    class Next0000000009999 implements MigrationInterface {
      readonly name = 'Next0000000009999';
      async up(runner: QueryRunner): Promise<void> {
        await runner.query('alter table app.job drop column more');
      }
      down(): Promise<void> {
        return Promise.resolve();
      }
    }
    const edited = [...migrations.slice(0, -1), Edited, Next0000000009999];
    await expect(migrate(database.ownerUrl, passwords, edited)).rejects.toThrow(
      `migrated by other statements than this release has for: ${new newest().name};`,
    );
    // One of before statements were recorded is not trusted either.
    const client = new Client({ connectionString: database.ownerUrl });
    await client.connect();
    await client.query('update app.migrations set sha256 = null');
    await client.end();
    await expect(migrate(database.ownerUrl, passwords)).rejects.toThrow('RolesAndScope0000000000001, Tenant');
  });
});

/** Reasons with which the code crosses tenants. One place each; a new one is a decision. */
const PLATFORM_CALLERS = [
  'src/billing/billing.service.ts: plans',
  'src/billing/billing.service.ts: price list',
  'src/deployment/deployment.service.ts: abandoned deployment starts',
  'src/inference/log-packer.ts: prediction log',
  'src/platform/command.ts: command.reason',
  'src/platform/command.ts: forget old answers',
  'src/platform/object-store/catalogue.ts: delete objects that nothing refers to',
  'src/platform/task/relay.ts: publish the outbox in fair order',
  'src/platform/task/sweeper.ts: announce forgotten tasks again',
  'src/platform/task/sweeper.ts: find tasks whose worker is gone',
  'src/tenant/bootstrap.ts: set the installation up',
  'src/tenant/credentials.ts: look an API key up',
  'src/tenant/credentials.ts: look an operator up',
  'src/tenant/credentials.ts: note when API keys were last used',
  'src/tenant/login-guard.ts: count login attempts',
  'src/tenant/login-guard.ts: forget old login attempts',
  'src/tenant/member.service.ts: open an invitation',
  'src/tenant/session.service.ts: log a member in',
  'src/tenant/session.service.ts: look a session up',
  'src/tenant/tenant.service.ts: list tenants for the operator',
  'src/usage/consumer.ts: usage dead letter',
  'src/usage/consumer.ts: usage ledger',
  'src/usage/usage.service.ts: usage gaps',
];

describe('the platform door', () => {
  it('is used in known places only', () => {
    const files = (folder: string): string[] =>
      readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
        entry.isDirectory()
          ? files(join(folder, entry.name))
          : /\.ts$/.test(entry.name) && !/\.test\.ts$/.test(entry.name)
            ? [join(folder, entry.name)]
            : [],
      );
    const root = join(__dirname, '../..');
    const callers = files(join(root, 'src'))
      .filter((file) => !file.includes('/testing/') && !file.includes('/platform/database/'))
      .flatMap((file) =>
        [...readFileSync(file, 'utf8').matchAll(/asPlatform\(\s*('[^']*'|`[^`]*`|[\w.]+)/g)].map(
          ([, reason]) => `${file.slice(root.length + 1)}: ${(reason ?? '').replaceAll(/['`]/g, '')}`,
        ),
      )
      .sort();
    expect([...new Set(callers)]).toEqual(PLATFORM_CALLERS);
  });
});
