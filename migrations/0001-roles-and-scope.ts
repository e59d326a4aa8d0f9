import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The roles, the schema, the tenant scope and the functions that the helpers refer to. */
export class RolesAndScope implements MigrationInterface {
  readonly name = 'RolesAndScope0000000000001';

  async up(runner: QueryRunner): Promise<void> {
    // The roles' passwords and limits are set by migrate(), at every start.
    await runner.query(`
      do $$ begin
        if not exists (select from pg_roles where rolname = 'mm_app') then create role mm_app nologin; end if;
        if not exists (select from pg_roles where rolname = 'mm_platform') then create role mm_platform nologin; end if;
      end $$;
      create schema if not exists app;
      revoke all on schema public from public;
      grant usage on schema app to mm_app, mm_platform;

      -- After a transaction the setting is '' and not null: without NULLIF every reused connection would fail.
      create function app.tid() returns uuid language sql stable parallel safe
        as $$ select nullif(current_setting('app.tenant_id', true), '')::uuid $$;

      create function app.refuse_transition() returns trigger language plpgsql as $$
      begin
        raise exception '%.% cannot move like that', tg_table_name, tg_argv[0] using errcode = 'MM001';
      end $$;

      create function app.refuse_change() returns trigger language plpgsql as $$
      begin
        raise exception '% is append-only', tg_table_name using errcode = 'MM002';
      end $$;
    `);
    // An expression smuggled into a query cannot switch tenant then. Only a superuser can take it away; the embedded
    // server's bootstrap does, and on another server it is done here where the migrating role may.
    await runner.query(`
      do $$ begin
        revoke execute on function pg_catalog.set_config(text, text, boolean) from public;
      exception when insufficient_privilege then null;
      end $$;
    `);
  }

  async down(): Promise<void> {
    throw new Error('migrations go forward only; restore a backup instead');
  }
}
