import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../src/embedded/child';
import { createOwner, postgresUrl, preparePostgres, superuserUrl } from '../../src/embedded/postgres';
import type { PostgresOptions } from '../../src/embedded/postgres';
import { postgresService } from '../../src/embedded/services';
import { migrate } from '../../src/platform/database';
import type { TestDatabase } from './database';
import { startProcess } from './process';
import type { TestProcess } from './process';

export interface TestPostgres extends TestDatabase {
  readonly server: TestProcess;
  readonly port: number;
  /** Stops the server and removes its data. */
  stop(): Promise<void>;
}

/** A PostgreSQL of the test's own, migrated, for tests that kill it. Takes one to two seconds. */
export const startPostgres = async (): Promise<TestPostgres> => {
  const folder = mkdtempSync(join(tmpdir(), 'modelmint-pg-'));
  chmodSync(folder, 0o755); // PostgreSQL runs as another account when the tests run as root
  const word = (): string => randomBytes(12).toString('hex');
  const options: PostgresOptions = {
    folder: join(folder, 'pg'),
    port: await freePort(),
    superuserPassword: word(),
    durable: false,
  };
  const prepared = await preparePostgres(options);
  const server = await startProcess(postgresService(prepared, options));
  const stop = async (): Promise<void> => {
    await server.stop();
    rmSync(prepared.data, { recursive: true, force: true });
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const name = 'modelmint';
    const passwords = { app: word(), platform: word() };
    const ownerUrl = await createOwner(options, { password: word(), database: name });
    await migrate(ownerUrl, passwords);
    return {
      name,
      port: options.port,
      ownerUrl,
      appUrl: postgresUrl('mm_app', passwords.app, options.port, name),
      platformUrl: postgresUrl('mm_platform', passwords.platform, options.port, name),
      superuserUrl: superuserUrl(options, name),
      server,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
};
