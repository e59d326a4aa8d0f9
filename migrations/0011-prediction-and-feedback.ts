import type { MigrationInterface, QueryRunner } from 'typeorm';
import { appendOnly, tenantTable, transitions } from './helpers';

/** The prediction log, its packed files, and what turned out to be true. */
export class PredictionAndFeedback0000000000011 implements MigrationInterface {
  readonly name = 'PredictionAndFeedback0000000000011';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of [
      `create table app.prediction_pack (
         tenant_id uuid not null,
         id uuid not null,
         scenario_id uuid not null,
         state text not null default 'PENDING',
         rows_key text not null,
         rows_sha256 text not null,
         rows_bytes bigint not null,
         packed_key text,
         packed_sha256 text,
         packed_bytes bigint,
         rows int not null,
         first_at timestamptz not null,
         last_at timestamptz not null,
         created_at timestamptz not null default now(),
         primary key (tenant_id, id),
         foreign key (tenant_id, scenario_id) references app.scenario (tenant_id, id),
         check ((state = 'SEALED') = (packed_sha256 is not null))
       )`,
      ...transitions('prediction_pack', { PENDING: ['SEALED', 'FAILED'], SEALED: [], FAILED: [] }),
      ...tenantTable('prediction_pack', { platform: ['select'] }),
      // Values as they were asked, without the columns that the scenario leaves out. A very large request has several
      // rows here, by its first row. Gone when the scenario's retention has passed.
      `create table app.prediction (
         tenant_id uuid not null,
         id uuid not null,
         first_row int not null,
         deployment_id uuid not null,
         model_version_id uuid not null,
         scenario_id uuid not null,
         at timestamptz not null,
         rows jsonb not null,
         outputs jsonb not null,
         pack_id uuid,
         primary key (tenant_id, id, first_row),
         foreign key (tenant_id, pack_id) references app.prediction_pack (tenant_id, id)
       )`,
      `create index prediction_at on app.prediction (tenant_id, scenario_id, at)`,
      `create index prediction_unpacked on app.prediction (tenant_id, scenario_id) where pack_id is null`,
      ...tenantTable('prediction', {
        app: ['select', 'update', 'delete'],
        platform: ['select', 'insert'],
      }),
      // A correction is a further revision; the newest counts.
      `create table app.feedback (
         tenant_id uuid not null,
         prediction_id uuid not null,
         row int not null check (row >= 0),
         revision int not null check (revision >= 1),
         scenario_id uuid not null,
         deployment_id uuid not null,
         model_version_id uuid not null,
         predicted_at timestamptz not null,
         values jsonb not null,
         predicted jsonb not null,
         probabilities jsonb,
         actual jsonb not null,
         created_at timestamptz not null default now(),
         primary key (tenant_id, prediction_id, row, revision),
         foreign key (tenant_id, scenario_id) references app.scenario (tenant_id, id)
       )`,
      `create index feedback_scenario on app.feedback (tenant_id, scenario_id, created_at)`,
      ...appendOnly('feedback'),
      ...tenantTable('feedback', { app: ['select', 'insert'] }),
    ])
      await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['feedback', 'prediction', 'prediction_pack'])
      await runner.query(`drop table app.${table}`);
  }
}
