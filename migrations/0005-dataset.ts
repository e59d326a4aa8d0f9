import type { MigrationInterface, QueryRunner } from 'typeorm';
import { tenantTable, transitions } from './helpers';

/** Datasets and their versions. */
export class Dataset0000000000005 implements MigrationInterface {
  readonly name = 'Dataset0000000000005';

  async up(runner: QueryRunner): Promise<void> {
    const statements = [
      `create table app.dataset (
         tenant_id uuid not null references app.tenant (tenant_id),
         id uuid not null,
         scenario_id uuid not null,
         name text not null check (length(name) between 1 and 200),
         salt text not null,
         holdout jsonb,
         created_at timestamptz not null default now(),
         primary key (tenant_id, id),
         unique (tenant_id, scenario_id, name),
         foreign key (tenant_id, scenario_id) references app.scenario (tenant_id, id))`,
      ...tenantTable('dataset', { app: ['select', 'insert', 'update'] }),

      `create table app.dataset_version (
         tenant_id uuid not null,
         id uuid not null,
         dataset_id uuid not null,
         scenario_id uuid not null,
         number integer not null check (number >= 1),
         state text not null,
         format text check (format in ('csv', 'tsv', 'jsonl', 'parquet')),
         target text not null,
         task text check (task in ('regression', 'classification')),
         holdout_fraction double precision not null check (holdout_fraction between 0 and 0.5),
         exclude jsonb not null default '[]',
         parent_id uuid,
         declared_bytes bigint,
         raw_key text,
         raw_sha256 text,
         raw_bytes bigint,
         sealed_key text,
         sealed_sha256 text,
         sealed_bytes bigint,
         rows bigint,
         holdout_rows bigint,
         columns jsonb,
         profile jsonb,
         warnings jsonb,
         holdout jsonb,
         error_code text,
         error_message text,
         error_hint text,
         error_column text,
         task_id uuid,
         created_at timestamptz not null default now(),
         sealed_at timestamptz,
         primary key (tenant_id, id),
         unique (tenant_id, dataset_id, number),
         unique (tenant_id, raw_key),
         foreign key (tenant_id, dataset_id) references app.dataset (tenant_id, id),
         foreign key (tenant_id, scenario_id) references app.scenario (tenant_id, id),
         foreign key (tenant_id, parent_id) references app.dataset_version (tenant_id, id),
         foreign key (tenant_id, task_id) references app.task (tenant_id, id),
         check (state <> 'SEALED' or (task is not null and sealed_key is not null and sealed_sha256 is not null
           and sealed_bytes is not null and rows is not null and holdout_rows is not null and columns is not null
           and profile is not null and warnings is not null and holdout is not null and sealed_at is not null)),
         check (state <> 'REJECTED' or (error_code is not null and error_message is not null)))`,
      `create index dataset_version_scenario on app.dataset_version (tenant_id, scenario_id, id)`,
      ...transitions('dataset_version', {
        DECLARED: ['UPLOADED', 'REJECTED', 'DELETED'],
        UPLOADED: ['VALIDATING', 'REJECTED', 'DELETED'],
        VALIDATING: ['SEALED', 'REJECTED', 'DELETED'],
        SEALED: ['DELETED'],
        REJECTED: ['DELETED'],
        DELETED: [],
      }),
      // Sealed means sealed: whatever the application does, only the end of its storage can follow.
      `create function app.keep_sealed() returns trigger language plpgsql as $$
       begin
         if old.state in ('SEALED', 'REJECTED', 'DELETED')
            and to_jsonb(new) - 'state' is distinct from to_jsonb(old) - 'state' then
           raise exception 'a % dataset version cannot change', old.state
             using errcode = 'check_violation', constraint = 'dataset_version_sealed';
         end if;
         return new;
       end $$`,
      `create trigger dataset_version_sealed before update on app.dataset_version
         for each row execute function app.keep_sealed()`,
      ...tenantTable('dataset_version', { app: ['select', 'insert', 'update'] }),
    ];
    for (const statement of statements) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['dataset_version', 'dataset']) await runner.query(`drop table app.${table}`);
    await runner.query('drop function app.keep_sealed()');
  }
}
