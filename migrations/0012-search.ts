import type { MigrationInterface, QueryRunner } from 'typeorm';
import { tenantTable, transitions } from './helpers';

const KINDS = ['profile', 'train', 'merge', 'pack'];
const TASKS = ['regression', 'classification'];
const FORMATS = ['csv', 'tsv', 'jsonl', 'parquet'];
const NEW_TASKS = ['forecast', 'anomaly', 'clustering', 'synthesis'];
const TARGETLESS = ['anomaly', 'clustering', 'synthesis'];

const list = (values: readonly string[]): string => values.map((value) => `'${value}'`).join(', ');
const check = (table: string, column: string, values: readonly string[]): string[] => [
  `alter table app.${table} drop constraint ${table}_${column}_check`,
  `alter table app.${table} add constraint ${table}_${column}_check check (${column} in (${list(values)}))`,
];

/** Automatic training as trials that travel by themselves; tasks that learn without a target. */
export class Search0000000000012 implements MigrationInterface {
  readonly name = 'Search0000000000012';

  async up(runner: QueryRunner): Promise<void> {
    const statements = [
      ...check('task', 'kind', [...KINDS, 'search', 'trial']),
      ...check('scenario', 'task', [...TASKS, ...NEW_TASKS]),
      ...check('dataset_version', 'task', [...TASKS, ...NEW_TASKS]),
      ...check('dataset_version', 'format', [...FORMATS, 'zip']),
      ...['scenario', 'dataset_version'].flatMap((table) => [
        `alter table app.${table} alter column target drop not null`,
        `alter table app.${table} add constraint ${table}_target_or_none
           check (target is not null or task in (${list(TARGETLESS)}))`,
      ]),

      // What wrong answers cost, and the columns that fairness is asked about.
      `alter table app.scenario add column error_costs jsonb`,
      `alter table app.dataset_version add column sensitive jsonb not null default '[]'`,

      // `cap`: what the job may cost, `{amountNano, computeMs}`; `shape`: what its first search task saw of the data.
      `alter table app.job add column cap jsonb, add column shape jsonb, add column search_from timestamptz,
         add column assemble_ms double precision not null default 0`,

      // One configuration of an automatic training. Its files are kept until the job ends.
      `create table app.trial (
         tenant_id uuid not null,
         job_id uuid not null,
         id integer not null check (id >= 0),
         task_id uuid not null,
         state text not null default 'QUEUED',
         spec jsonb not null,
         report jsonb,
         expected_ms double precision not null,
         allotted_ms double precision,
         error_code text,
         error_message text,
         created_at timestamptz not null default now(),
         started_at timestamptz,
         finished_at timestamptz,
         primary key (tenant_id, job_id, id),
         foreign key (tenant_id, job_id) references app.job (tenant_id, id),
         foreign key (tenant_id, task_id) references app.task (tenant_id, id),
         check (state <> 'FAILED' or (error_code is not null and error_message is not null)),
         check (state <> 'SUCCEEDED' or report is not null),
         check ((state in ('SUCCEEDED', 'FAILED', 'CANCELED')) = (finished_at is not null)))`,
      `create index trial_task on app.trial (tenant_id, task_id)`,
      ...transitions('trial', {
        QUEUED: ['RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELED'],
        RUNNING: ['SUCCEEDED', 'FAILED', 'CANCELED'],
        SUCCEEDED: [],
        FAILED: [],
        CANCELED: [],
      }),
      ...tenantTable('trial', { app: ['select', 'insert', 'update'] }),
    ];
    for (const statement of statements) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table app.trial');
    await runner.query(
      'alter table app.job drop column cap, drop column shape, drop column search_from, drop column assemble_ms',
    );
    await runner.query('alter table app.scenario drop column error_costs');
    await runner.query('alter table app.dataset_version drop column sensitive');
    for (const table of ['scenario', 'dataset_version']) {
      await runner.query(`alter table app.${table} drop constraint ${table}_target_or_none`);
      await runner.query(`alter table app.${table} alter column target set not null`);
    }
    const statements = [
      ...check('task', 'kind', KINDS),
      ...check('scenario', 'task', TASKS),
      ...check('dataset_version', 'task', TASKS),
      ...check('dataset_version', 'format', FORMATS),
    ];
    for (const statement of statements) await runner.query(statement);
  }
}
