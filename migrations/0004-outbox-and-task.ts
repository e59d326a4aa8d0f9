import type { MigrationInterface, QueryRunner } from 'typeorm';
import { tenantTable, transitions } from './helpers';

/** The queue of everything that workers do, its announcements, and the catalogue of stored files. */
export class OutboxAndTask0000000000004 implements MigrationInterface {
  readonly name = 'OutboxAndTask0000000000004';

  async up(runner: QueryRunner): Promise<void> {
    const statements = [
      // One sequence for all tasks: a token is never given twice, so it also keys the effects of an attempt.
      `create sequence app.task_fence as bigint`,
      `grant usage on sequence app.task_fence to mm_app`,

      `create table app.task (
         tenant_id uuid not null references app.tenant (tenant_id),
         id uuid not null,
         kind text not null check (kind in ('profile', 'train', 'merge', 'pack')),
         owner_id uuid not null,
         scenario_id uuid,
         state text not null default 'QUEUED',
         attempt integer not null default 0,
         max_attempts integer not null check (max_attempts between 1 and 100),
         fence bigint,
         lease_until timestamptz,
         not_before timestamptz not null default now(),
         worker_id text,
         device text,
         consumed_ns numeric(38, 0) not null default 0 check (consumed_ns >= 0),
         cancel_requested boolean not null default false,
         phase text,
         fraction double precision not null default 0,
         message text,
         error_code text,
         error_message text,
         error_hint text,
         created_at timestamptz not null default now(),
         started_at timestamptz,
         attempt_started_at timestamptz,
         finished_at timestamptz,
         primary key (tenant_id, id),
         foreign key (tenant_id, scenario_id) references app.scenario (tenant_id, id),
         check (attempt <= max_attempts),
         check ((state = 'RUNNING') = (lease_until is not null)),
         check ((state in ('SUCCEEDED', 'FAILED', 'CANCELED')) = (finished_at is not null)))`,
      `create index task_running on app.task (lease_until) where state = 'RUNNING'`,
      `create index task_owner on app.task (tenant_id, owner_id)`,
      ...transitions('task', {
        QUEUED: ['RUNNING', 'FAILED', 'CANCELED'],
        RUNNING: ['QUEUED', 'SUCCEEDED', 'FAILED', 'CANCELED'],
        SUCCEEDED: [],
        FAILED: [],
        CANCELED: [],
      }),
      ...tenantTable('task', { app: ['select', 'insert', 'update'], platform: ['select'] }),

      // A row stands here from the moment a task is due until somebody claims it: the id is the message's id.
      `create table app.outbox (
         tenant_id uuid not null,
         id uuid not null,
         task_id uuid not null,
         kind text not null,
         due_at timestamptz not null,
         published_at timestamptz,
         primary key (tenant_id, id),
         foreign key (tenant_id, task_id) references app.task (tenant_id, id))`,
      `create index outbox_due on app.outbox (kind, tenant_id, due_at) where published_at is null`,
      `create index outbox_task on app.outbox (tenant_id, task_id)`,
      ...tenantTable('outbox', { app: ['select', 'insert', 'delete'], platform: ['select', 'update'] }),

      `create table app.stored_object (
         tenant_id uuid not null references app.tenant (tenant_id),
         key text not null,
         kind text not null,
         state text not null default 'MINTED',
         task_id uuid,
         sha256 text check (sha256 ~ '^[0-9a-f]{64}$'),
         size_bytes bigint check (size_bytes >= 0),
         expires_at timestamptz,
         created_at timestamptz not null default now(),
         primary key (tenant_id, key),
         foreign key (tenant_id, task_id) references app.task (tenant_id, id),
         check (key like 't/' || tenant_id || '/%'),
         check (state not in ('STORED', 'RETAINED') or (sha256 is not null and size_bytes is not null)))`,
      `create index stored_object_task on app.stored_object (tenant_id, task_id)`,
      `create index stored_object_waiting on app.stored_object (expires_at) where state <> 'RETAINED'`,
      ...transitions('stored_object', {
        MINTED: ['STORED', 'DOOMED'],
        STORED: ['RETAINED', 'DOOMED'],
        RETAINED: ['DOOMED'],
        DOOMED: [],
      }),
      ...tenantTable('stored_object', { platform: ['select', 'update'] }),
    ];
    for (const statement of statements) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['stored_object', 'outbox', 'task']) await runner.query(`drop table app.${table}`);
    await runner.query('drop sequence app.task_fence');
  }
}
