import type { MigrationInterface, QueryRunner } from 'typeorm';
import { appendOnly, platformTable, tenantTable } from './helpers';

/** The usage ledger: what happened, exactly once, for ever. */
export class Usage0000000000009 implements MigrationInterface {
  readonly name = 'Usage0000000000009';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of [
      // The gate: a key counts once, however long ago it was first seen.
      `create table app.usage_key (
         tenant_id uuid not null,
         kind text not null,
         key text not null,
         body_sha256 text not null,
         event_id uuid not null,
         primary key (tenant_id, kind, key)
       )`,
      ...appendOnly('usage_key'),
      ...tenantTable('usage_key', { app: ['select', 'insert'], platform: ['select', 'insert'] }),
      `create table app.usage_event (
         tenant_id uuid not null,
         id uuid not null,
         kind text not null check (kind in ('prediction', 'training', 'storage')),
         key text not null,
         event_time timestamptz not null,
         received_at timestamptz not null default now(),
         quantities jsonb not null,
         bytes_delta numeric(38,0),
         reason text not null check (reason in ('billable', 'failed', 'canceled', 'platform_fault', 'shadow')),
         producer text not null,
         producer_seq bigint not null,
         scenario_id uuid,
         deployment_id uuid,
         model_version_id uuid,
         job_id uuid,
         api_key_id uuid,
         reversal_of uuid,
         primary key (tenant_id, id),
         unique (tenant_id, kind, key),
         unique (tenant_id, reversal_of),
         foreign key (tenant_id, kind, key) references app.usage_key (tenant_id, kind, key),
         check ((kind = 'storage') = (bytes_delta is not null))
       )`,
      `create index usage_event_time on app.usage_event (tenant_id, event_time)`,
      `create index usage_event_storage on app.usage_event (tenant_id, event_time) where kind = 'storage'`,
      ...appendOnly('usage_event'),
      ...tenantTable('usage_event', { app: ['select', 'insert'], platform: ['select', 'insert'] }),
      // Derived: equals the fold of the events, and can be rebuilt from them. «No scenario» is the zero uuid.
      `create table app.usage_day (
         tenant_id uuid not null,
         day date not null,
         scenario_id uuid not null,
         meter text not null,
         reason text not null,
         quantity numeric(38,0) not null,
         events bigint not null,
         primary key (tenant_id, day, scenario_id, meter, reason)
       )`,
      ...tenantTable('usage_day', {
        app: ['select', 'insert', 'update'],
        platform: ['select', 'insert', 'update'],
      }),
      // Same key, another body: never silent.
      `create table app.usage_conflict (
         tenant_id uuid not null,
         kind text not null,
         key text not null,
         body_sha256 text not null,
         seen_at timestamptz not null default now(),
         primary key (tenant_id, kind, key, body_sha256),
         foreign key (tenant_id, kind, key) references app.usage_key (tenant_id, kind, key)
       )`,
      ...appendOnly('usage_conflict'),
      ...tenantTable('usage_conflict', { app: ['select'], platform: ['select', 'insert'] }),
      // Events written in the transaction of what they bill need no stream; their numbers only order them.
      `create sequence app.usage_record_seq`,
      `grant usage on sequence app.usage_record_seq to mm_app, mm_platform`,
      `create table app.usage_producer (
         producer text primary key,
         next_seq bigint not null,
         missing int8multirange not null,
         at timestamptz not null default now()
       )`,
      ...platformTable('usage_producer', ['select', 'insert', 'update']),
      `create table app.usage_cursor (
         stream text primary key,
         stream_seq bigint not null,
         at timestamptz not null default now()
       )`,
      ...platformTable('usage_cursor', ['select', 'insert', 'update']),
      // Messages that could not be taken; the stream keeps their bytes for a week.
      `create table app.usage_dead_letter (
         stream text not null,
         stream_seq bigint not null,
         reason text not null,
         body_sha256 text not null,
         at timestamptz not null default now(),
         primary key (stream, stream_seq)
       )`,
      ...platformTable('usage_dead_letter', ['select', 'insert']),
    ])
      await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['dead_letter', 'cursor', 'producer', 'conflict', 'day', 'event', 'key'])
      await runner.query(`drop table app.usage_${table}`);
    await runner.query('drop sequence app.usage_record_seq');
  }
}
