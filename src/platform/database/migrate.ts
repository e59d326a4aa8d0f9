import { Client } from 'pg';
import { DataSource } from 'typeorm';
import { migrations } from '../../../migrations';

export interface RolePasswords {
  readonly app: string;
  readonly platform: string;
}

/** One migrating process at a time; the number is arbitrary and ours. */
const LOCK = 7_266_655_001;

/**
 * Brings the database at `ownerUrl` up to date, all pending migrations in one transaction, and sets the passwords of the
 * two application roles. Returns the names that ran now.
 */
export const migrate = async (ownerUrl: string, passwords: RolePasswords): Promise<string[]> => {
  const client = new Client({ connectionString: ownerUrl });
  await client.connect();
  try {
    await client.query('select pg_advisory_lock($1)', [LOCK]);
    await client.query('create schema if not exists app');
    const source = new DataSource({
      type: 'postgres',
      url: ownerUrl,
      schema: 'app',
      migrations: [...migrations],
      migrationsTableName: 'migrations',
      poolSize: 1,
    });
    await source.initialize();
    let ran: string[];
    try {
      ran = (await source.runMigrations({ transaction: 'all' })).map((migration) => migration.name);
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
