import type { MigrationInterface, QueryRunner } from 'typeorm';
import { appendOnly, tenantTable } from './helpers';

/** Models and their immutable versions. */
export class Registry0000000000006 implements MigrationInterface {
  readonly name = 'Registry0000000000006';

  async up(runner: QueryRunner): Promise<void> {
    const statements = [
      `create table app.model (
         tenant_id uuid not null references app.tenant (tenant_id),
         id uuid not null,
         scenario_id uuid not null,
         name text not null check (length(name) between 1 and 200),
         created_at timestamptz not null default now(),
         primary key (tenant_id, id),
         unique (tenant_id, scenario_id, name),
         foreign key (tenant_id, scenario_id) references app.scenario (tenant_id, id))`,
      // Update is there for its row lock only: nothing but the key and the name could change.
      ...tenantTable('model', { app: ['select', 'insert', 'update'] }),

      `create table app.model_version (
         tenant_id uuid not null,
         id uuid not null,
         model_id uuid not null,
         scenario_id uuid not null,
         number integer not null check (number >= 1),
         job_id uuid not null,
         dataset_version_id uuid not null,
         identity text not null check (identity ~ '^[0-9a-f]{64}$'),
         manifest jsonb not null,
         created_at timestamptz not null default now(),
         primary key (tenant_id, id),
         unique (tenant_id, model_id, number),
         unique (tenant_id, job_id),
         foreign key (tenant_id, model_id) references app.model (tenant_id, id),
         foreign key (tenant_id, scenario_id) references app.scenario (tenant_id, id),
         foreign key (tenant_id, dataset_version_id) references app.dataset_version (tenant_id, id))`,
      `create index model_version_scenario on app.model_version (tenant_id, scenario_id, created_at)`,
      ...appendOnly('model_version'),
      ...tenantTable('model_version', { app: ['select', 'insert'] }),
    ];
    for (const statement of statements) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['model_version', 'model']) await runner.query(`drop table app.${table}`);
  }
}
