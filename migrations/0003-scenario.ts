import type { MigrationInterface, QueryRunner } from 'typeorm';
import { tenantTable, transitions } from './helpers';

/** One business use of a model: everything later hangs on it. */
export class Scenario0000000000003 implements MigrationInterface {
  readonly name = 'Scenario0000000000003';

  async up(runner: QueryRunner): Promise<void> {
    const statements = [
      `create table app.scenario (
         tenant_id uuid not null references app.tenant (tenant_id),
         id uuid not null,
         name text not null check (length(name) between 1 and 200),
         description text not null default '' check (length(description) <= 10000),
         template text,
         state text not null default 'ACTIVE',
         task text not null check (task in ('regression', 'classification')),
         target text not null check (length(target) between 1 and 200),
         goal_metric text not null,
         currency text not null check (currency ~ '^[A-Z]{3}$'),
         price_note text not null default '' check (length(price_note) <= 10000),
         value_note text not null default '' check (length(value_note) <= 10000),
         log_enabled boolean not null default true,
         log_sampling double precision not null default 1 check (log_sampling >= 0 and log_sampling <= 1),
         log_retention_days int not null default 90 check (log_retention_days between 1 and 3650),
         log_left_out text[] not null default '{}',
         created_at timestamptz not null default now(),
         updated_at timestamptz not null default now(),
         archived_at timestamptz,
         primary key (tenant_id, id),
         check ((state = 'ARCHIVED') = (archived_at is not null)))`,
      `create unique index scenario_name on app.scenario (tenant_id, lower(name)) where state = 'ACTIVE'`,
      ...transitions('scenario', { ACTIVE: ['ARCHIVED'], ARCHIVED: [] }),
      ...tenantTable('scenario', { app: ['select', 'insert', 'update'] }),
    ];
    for (const statement of statements) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table app.scenario');
  }
}
