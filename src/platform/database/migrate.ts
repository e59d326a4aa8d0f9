import { createHash } from 'node:crypto';
import { Client } from 'pg';
import { DataSource, MigrationExecutor } from 'typeorm';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { migrations } from '../../../migrations';

export interface RolePasswords {
  readonly app: string;
  readonly platform: string;
}

/** One migrating process at a time; the number is arbitrary and ours. */
const LOCK = 7_266_655_001;

/**
 * Brings the database at `ownerUrl` up to date, all pending migrations in one transaction, and sets the passwords of the
 * two application roles. Returns the names that ran now. Fails, and changes nothing, where a migration that ran before has
 * other statements now: the database would lack what was added to it.
 */
export const migrate = async (
  ownerUrl: string,
  passwords: RolePasswords,
  all: readonly (new () => MigrationInterface)[] = migrations,
): Promise<string[]> => {
  const client = new Client({ connectionString: ownerUrl });
  await client.connect();
  try {
    await client.query('select pg_advisory_lock($1)', [LOCK]);
    await client.query('create schema if not exists app');
    const source = await new DataSource({
      type: 'postgres',
      url: ownerUrl,
      schema: 'app',
      migrations: [...all],
      migrationsTableName: 'migrations',
      poolSize: 1,
    }).initialize();
    let ran: string[];
    try {
      ran = await runPending(source);
    } finally {
      await source.destroy();
    }
    for (const [role, password] of [
      ['mm_app', passwords.app],
      ['mm_platform', passwords.platform],
    ] as const) {
      await client.query(`alter role ${role} password ${client.escapeLiteral(password)}`);
      await client.query(`alter role ${role} set statement_timeout = '10s'`);
      await client.query(`alter role ${role} set lock_timeout = '5s'`);
      await client.query(`alter role ${role} set idle_in_transaction_session_timeout = '15s'`);
    }
    return ran;
  } finally {
    await client.end();
  }
};

const runPending = async (source: DataSource): Promise<string[]> => {
  const runner = source.createQueryRunner();
  await runner.startTransaction();
  try {
    const hashes = new Map<string, string>();
    for (const migration of source.migrations)
      hashes.set(migration.name ?? '', await hashOfStatements(migration));
    await requireUnchanged(runner, hashes);
    const ran = (await new MigrationExecutor(source, runner).executePendingMigrations()).map(
      ({ name }) => name,
    );
    await runner.query(ADD_HASH);
    for (const name of ran)
      await runner.query('update app.migrations set sha256 = $2 where name = $1', [name, hashes.get(name)]);
    await runner.commitTransaction();
    return ran;
  } catch (error) {
    await runner.rollbackTransaction();
    throw error;
  } finally {
    await runner.release();
  }
};

/** TypeORM's own table knows a migration by its name only. */
const ADD_HASH = 'alter table if exists app.migrations add column if not exists sha256 text';

const requireUnchanged = async (runner: QueryRunner, hashes: ReadonlyMap<string, string>): Promise<void> => {
  await runner.query(ADD_HASH);
  if (!(await runner.hasTable('app.migrations'))) return;
  const before = (await runner.query('select name, sha256 from app.migrations order by id')) as {
    name: string;
    sha256: string | null;
  }[];
  const changed = before.filter(({ name, sha256 }) => hashes.has(name) && hashes.get(name) !== sha256);
  if (changed.length > 0)
    throw new Error(
      `this database was migrated by other statements than this release has for: ${changed.map(({ name }) => name).join(', ')}; ` +
        'run `npm run backup` with the release that migrated it, and restore into a new database with this one',
    );
};

/** What `up` would run; a migration asks the database nothing that its statements depend on. */
const hashOfStatements = async (migration: MigrationInterface): Promise<string> => {
  const statements: unknown[] = [];
  const query = (...statement: unknown[]): Promise<void> => {
    statements.push(statement);
    return Promise.resolve();
  };
  await migration.up({ query } as unknown as QueryRunner);
  return createHash('sha256').update(JSON.stringify(statements)).digest('hex');
};
