import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Roles, the tenant scope and the functions that triggers use. */
export class RolesAndScope0000000000001 implements MigrationInterface {
  readonly name = 'RolesAndScope0000000000001';

  async up(runner: QueryRunner): Promise<void> {
    for (const role of ['mm_app', 'mm_platform']) {
      // Roles belong to the server, not to the database: another database may have made them before.
      await runner.query(`do $$ begin
        if not exists (select from pg_roles where rolname = '${role}') then
          create role ${role} login nosuperuser nocreatedb nocreaterole noinherit nobypassrls;
        end if;
      exception when duplicate_object or unique_violation then null;
      end $$`);
      await runner.query(`grant usage on schema app to ${role}`);
    }
    // After a transaction a setting that was local to it is '', not null.
    await runner.query(`create function app.tid() returns uuid language sql stable parallel safe
      as $$ select nullif(current_setting('app.tenant_id', true), '')::uuid $$`);
    await runner.query(`create function app.check_transition() returns trigger language plpgsql as $$
      begin
        if not (old.state || '>' || new.state = any (tg_argv)) then
          raise exception 'a % cannot go from % to %', tg_table_name, old.state, new.state
            using errcode = 'check_violation', constraint = tg_table_name || '_transition';
        end if;
        return new;
      end $$`);
    await runner.query(`create function app.refuse_change() returns trigger language plpgsql as $$
      begin
        raise exception '% is append-only', tg_table_name using errcode = 'insufficient_privilege';
      end $$`);
    // An injected expression must not be able to switch tenant. Needs a superuser; the embedded server has it done.
    await runner.query(`do $$ begin
      revoke execute on function pg_catalog.set_config(text, text, boolean) from public;
    exception when insufficient_privilege then null;
    end $$`);
  }

  async down(): Promise<void> {
    throw new Error('the first migration is undone by dropping the database');
  }
}
