import type { MigrationInterface, QueryRunner } from 'typeorm';
import { tenantTable, transitions } from './helpers';

/** Training jobs and the epochs that they reported. */
export class Training0000000000007 implements MigrationInterface {
  readonly name = 'Training0000000000007';

  async up(runner: QueryRunner): Promise<void> {
    const statements = [
      `create table app.job (
         tenant_id uuid not null references app.tenant (tenant_id),
         id uuid not null,
         scenario_id uuid not null,
         kind text not null check (kind in ('train', 'retrain')),
         state text not null default 'QUEUED',
         dataset_version_id uuid not null,
         base_version_id uuid,
         champion_id uuid,
         model_name text not null,
         spec jsonb not null,
         seed bigint not null,
         device text check (device in ('cpu', 'webgpu', 'cuda')),
         feedback_key text,
         model_version_id uuid not null,
         task_id uuid,
         cancel_requested boolean not null default false,
         phase text,
         fraction double precision not null default 0,
         message text,
         comparison jsonb,
         error_code text,
         error_message text,
         error_hint text,
         created_at timestamptz not null default now(),
         started_at timestamptz,
         finished_at timestamptz,
         primary key (tenant_id, id),
         unique (tenant_id, model_version_id),
         foreign key (tenant_id, scenario_id) references app.scenario (tenant_id, id),
         foreign key (tenant_id, dataset_version_id) references app.dataset_version (tenant_id, id),
         foreign key (tenant_id, base_version_id) references app.dataset_version (tenant_id, id),
         foreign key (tenant_id, champion_id) references app.model_version (tenant_id, id),
         foreign key (tenant_id, task_id) references app.task (tenant_id, id),
         check (state <> 'FAILED' or (error_code is not null and error_message is not null)),
         check ((state in ('SUCCEEDED', 'FAILED', 'CANCELED')) = (finished_at is not null)))`,
      `create index job_scenario on app.job (tenant_id, scenario_id, id)`,
      // A retrain runs two tasks one after the other and stays RUNNING in between; a lost worker does not send it back.
      ...transitions('job', {
        QUEUED: ['RUNNING', 'FAILED', 'CANCELED'],
        RUNNING: ['SUCCEEDED', 'FAILED', 'CANCELED'],
        SUCCEEDED: [],
        FAILED: [],
        CANCELED: [],
      }),
      ...tenantTable('job', { app: ['select', 'insert', 'update'] }),
      `alter table app.model_version add foreign key (tenant_id, job_id) references app.job (tenant_id, id)`,

      `create table app.job_epoch (
         tenant_id uuid not null,
         job_id uuid not null,
         epoch integer not null check (epoch >= 0),
         figures jsonb not null,
         primary key (tenant_id, job_id, epoch),
         foreign key (tenant_id, job_id) references app.job (tenant_id, id))`,
      ...tenantTable('job_epoch', { app: ['select', 'insert', 'update'] }),
    ];
    for (const statement of statements) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table app.job_epoch');
    await runner.query('alter table app.model_version drop constraint model_version_tenant_id_job_id_fkey');
    await runner.query('drop table app.job');
  }
}
