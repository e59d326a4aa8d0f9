import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Rows that belong together are held out together. */
export class HoldoutGroup0000000000013 implements MigrationInterface {
  readonly name = 'HoldoutGroup0000000000013';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `alter table app.dataset_version add column holdout_group text check (length(holdout_group) between 1 and 200)`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table app.dataset_version drop column holdout_group');
  }
}
