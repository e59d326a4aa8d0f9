import type { MigrationInterface, QueryRunner } from 'typeorm';
import { tenantTable, transitions } from './helpers';

/** Deployments: stable addresses, and the model versions that stood behind each, one after the other. */
export class Deployment0000000000008 implements MigrationInterface {
  readonly name = 'Deployment0000000000008';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of [
      `create table app.deployment (
         tenant_id uuid not null,
         id uuid not null,
         scenario_id uuid not null,
         name text not null check (name ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
         state text not null default 'STARTING',
         model_version_id uuid,
         created_at timestamptz not null default now(),
         updated_at timestamptz not null default now(),
         primary key (tenant_id, id),
         unique (tenant_id, name),
         foreign key (tenant_id, scenario_id) references app.scenario (tenant_id, id),
         foreign key (tenant_id, model_version_id) references app.model_version (tenant_id, id),
         check (state <> 'READY' or model_version_id is not null)
       )`,
      ...transitions('deployment', {
        STARTING: ['READY', 'FAILED', 'STOPPED'],
        READY: ['STOPPED'],
        FAILED: ['STARTING', 'STOPPED'],
        STOPPED: ['STARTING'],
      }),
      ...tenantTable('deployment', { app: ['select', 'insert', 'update'], platform: ['select'] }),
      `create table app.deployment_revision (
         tenant_id uuid not null,
         id uuid not null,
         deployment_id uuid not null,
         number int not null check (number >= 1),
         model_version_id uuid not null,
         state text not null default 'STARTING',
         failure_code text,
         failure_message text,
         created_at timestamptz not null default now(),
         ready_at timestamptz,
         primary key (tenant_id, id),
         unique (tenant_id, deployment_id, number),
         foreign key (tenant_id, deployment_id) references app.deployment (tenant_id, id),
         foreign key (tenant_id, model_version_id) references app.model_version (tenant_id, id),
         check ((state = 'FAILED') = (failure_code is not null))
       )`,
      // RETIRED: another revision took over, or the deployment was stopped.
      ...transitions('deployment_revision', {
        STARTING: ['READY', 'FAILED', 'RETIRED'],
        READY: ['RETIRED'],
        FAILED: [],
        RETIRED: [],
      }),
      `create unique index deployment_revision_ready on app.deployment_revision (tenant_id, deployment_id)
         where state = 'READY'`,
      `create index deployment_revision_starting on app.deployment_revision (tenant_id, created_at)
         where state = 'STARTING'`,
      ...tenantTable('deployment_revision', { app: ['select', 'insert', 'update'], platform: ['select'] }),
    ])
      await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table app.deployment_revision');
    await runner.query('drop table app.deployment');
  }
}
