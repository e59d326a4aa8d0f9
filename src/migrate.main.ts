/**
 * Brings a database of the operator's own up to date: DATABASE_URL (owner), and the URLs of the two application roles,
 * whose passwords it sets. The first run also makes the operator, a first tenant and its API key, and shows them once.
 */
import 'reflect-metadata';
import { Database, migrate } from './platform/database';
import { bootstrapInstallation, needsBootstrap, tenantEntities } from './tenant';

const required = (name: string): string => {
  const value = process.env[name];
  if (value === undefined || value === '') throw new Error(`${name} is not set`);
  return value;
};

const passwordOf = (url: string): string => decodeURIComponent(new URL(url).password);

const main = async (): Promise<void> => {
  const [appUrl, platformUrl] = [required('APP_DATABASE_URL'), required('PLATFORM_DATABASE_URL')];
  const ran = await migrate(required('DATABASE_URL'), {
    app: passwordOf(appUrl),
    platform: passwordOf(platformUrl),
  });
  process.stdout.write(ran.length === 0 ? 'up to date\n' : `migrated: ${ran.join(', ')}\n`);
  const db = await Database.connect({ appUrl, platformUrl, entities: tenantEntities, poolSize: 2 });
  try {
    if (!(await needsBootstrap(db))) return;
    const made = await bootstrapInstallation(db, { tenantName: 'first tenant' });
    process.stdout.write(
      `shown once:\n  operator token  ${made.operatorToken}\n  first tenant    ${made.tenantId}\n  its API key     ${made.apiKey}\n`,
    );
  } finally {
    await db.close();
  }
};

main().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  },
);
