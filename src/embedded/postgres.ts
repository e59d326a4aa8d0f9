import { spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { Client } from 'pg';
import { isAlive, isFolder, runProgram, spawnTied, waitUntilGone } from './child';
import { StartError } from './data-folder';
import { findPostgres } from './postgres-binaries';
import type { PostgresBinaries } from './postgres-binaries';
import { accountForPostgres, canReach, privateFolder, rootSharedFolder } from './run-as';
import type { Account } from './run-as';

/** The superuser of the embedded server. The launcher alone uses it; the platform's roles are made by it. */
const SUPERUSER = 'postgres';

export interface PostgresOptions {
  /** Where the data is wanted, e.g. `.modelmint/pg`. May become a link, see `placeData`. */
  readonly folder: string;
  readonly port: number;
  readonly superuserPassword: string;
  /** Off only for tests: a power failure may then lose or break the data. */
  readonly durable: boolean;
  readonly maxConnections?: number;
}

export class OtherMajorVersion extends Error {
  readonly code = 'POSTGRES_MAJOR_VERSION';
  constructor(folder: string, found: string, ours: number) {
    super(
      [
        `POSTGRES_MAJOR_VERSION: the data folder ${folder} was made by PostgreSQL ${found}, and this modelmint brings PostgreSQL ${ours}.`,
        'Nothing was changed. To move the data:',
        `  1. with the modelmint version that made it:  npm run backup -- --data-dir ${dirname(folder)} --out modelmint-backup`,
        '  2. with this version, into a new folder:     npm run restore -- --from modelmint-backup --data-dir NEW_FOLDER',
        '  3. then:                                     npm start -- --data-dir NEW_FOLDER',
        'Or start with another --data-dir to begin afresh.',
      ].join('\n'),
    );
    this.name = 'OtherMajorVersion';
  }
}

export interface PreparedPostgres {
  readonly binaries: PostgresBinaries;
  readonly account: Account | null;
  /** Where the data really lies. */
  readonly data: string;
  /** True when initdb ran just now. */
  readonly fresh: boolean;
  /** A line for the user when the data had to go elsewhere. */
  readonly notice?: string;
}

/**
 * Started as root, PostgreSQL runs as another account, which cannot walk through a folder of mode 0700 such as /root.
 * Then the data lies under /var/lib/modelmint and `folder` is a link to it.
 */
const placeData = (
  folder: string,
  account: Account | null,
): { data: string; elsewhere?: true; notice?: string } => {
  if (isFolder(folder)) {
    const data = realpathSync(folder);
    if (!account || canReach(account, dirname(data))) return { data };
    throw new StartError(
      `the account ${account.name} cannot reach ${data}, where PostgreSQL's data lies: a folder above it is closed to others.\n` +
        `Open it (chmod o+x on the folders above), or move the data folder to an open place and start with --data-dir.`,
    );
  }
  // A link whose target is gone: its data cannot come back by itself, and a new start may not pretend it did.
  if (linkTarget(folder) !== null) {
    throw new StartError(
      `${folder} is a link to ${linkTarget(folder)}, which does not exist. Restore that folder, or remove the link to begin afresh.`,
    );
  }
  if (!account || canReach(account, dirname(folder))) return { data: folder };
  const name = createHash('sha256')
    .update(realpathSync(dirname(folder)))
    .digest('hex')
    .slice(0, 16);
  const data = join(rootSharedFolder(), `data-${name}`);
  // The data folder that it belonged to was deleted; its data is set aside, not read and not thrown away.
  if (isFolder(data)) renameSync(data, `${data}.left-${Date.now()}`);
  return {
    data,
    elsewhere: true,
    notice: `${dirname(folder)} is closed to the account ${account.name}: PostgreSQL's data lies in ${data}`,
  };
};

/** PostgreSQL runs as the owner of its data, and refuses anybody else. */
const ownerOf = (folder: string): Account | null => {
  const me = process.getuid?.();
  const { uid, gid } = statSync(folder);
  if (uid === me && me !== 0) return null;
  if (me !== 0) {
    throw new StartError(
      `PostgreSQL's data in ${folder} belongs to another account (uid ${uid}); start as that account, or choose another --data-dir`,
    );
  }
  // Root's own folder of another server: whatever is wrong with it, PostgreSQL will say.
  return uid === 0 ? accountForPostgres() : { uid, gid, name: `uid ${uid}` };
};

const linkTarget = (path: string): string | null => {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
};

const asAccount = (account: Account | null): { uid?: number; gid?: number } =>
  account ? { uid: account.uid, gid: account.gid } : {};

/** What PostgreSQL's programs get to see: nothing of ours. */
const cleanEnv = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };

const initdb = async (
  binaries: PostgresBinaries,
  account: Account | null,
  data: string,
  password: string,
): Promise<void> => {
  // initdb makes a folder only when it is complete: a start cut off half-way leaves nothing that looks like data.
  const making = `${data}.making`;
  rmSync(making, { recursive: true, force: true });
  privateFolder(making, account);
  // The account must be able to read the password file; it lies in a folder of the account's own.
  const passwordFile = `${making}.password`;
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (account) chownSync(passwordFile, account.uid, account.gid);
  try {
    const ran = await runProgram(
      binaries.initdb,
      [
        ...['--pgdata', making, '--username', SUPERUSER, '--pwfile', passwordFile, '--auth', 'scram-sha-256'],
        ...['--encoding', 'UTF8', '--locale', 'C', '--no-sync', '--no-instructions'],
        ...['--set', 'timezone=UTC', '--set', 'log_timezone=UTC', '--set', 'shared_buffers=128MB'],
        ...['--set', 'max_connections=100', '--set', 'dynamic_shared_memory_type=posix'],
      ],
      { ...asAccount(account), cwd: '/', env: cleanEnv },
    );
    if (ran.status !== 0)
      throw new Error(`PostgreSQL could not create its data folder ${data}:\n${ran.stderr}`);
    renameSync(making, data);
  } finally {
    rmSync(passwordFile, { force: true });
    rmSync(making, { recursive: true, force: true });
  }
};

/** Finds the programs and makes the data folder when there is none. Refuses data of another major version. */
export const preparePostgres = async (options: PostgresOptions): Promise<PreparedPostgres> => {
  const versionFile = join(options.folder, 'PG_VERSION');
  const fresh = !existsSync(versionFile);
  const account = fresh ? accountForPostgres() : ownerOf(options.folder);
  const binaries = await findPostgres(account);
  if (!fresh) {
    const found = readFileSync(versionFile, 'utf8').trim();
    if (found !== String(binaries.major)) throw new OtherMajorVersion(options.folder, found, binaries.major);
  }
  mkdirSync(dirname(options.folder), { recursive: true });
  const { data, elsewhere, notice } = placeData(options.folder, account);
  if (fresh) {
    await initdb(binaries, account, data, options.superuserPassword);
    // Only now: a link to nothing would mean that data was lost.
    if (elsewhere) symlinkSync(data, options.folder);
  }
  return { binaries, account, data, fresh, ...(notice === undefined ? {} : { notice }) };
};

/**
 * Stops a server that an earlier launcher left running on this data, and removes the pid file of one that is gone: in
 * a container its number may belong to some other process by now, and PostgreSQL would refuse to start.
 */
export const stopLeftover = async (data: string): Promise<boolean> => {
  const pidFile = join(data, 'postmaster.pid');
  if (!existsSync(pidFile)) return false;
  const pid = Number.parseInt(readFileSync(pidFile, 'utf8'), 10);
  if (!Number.isInteger(pid) || pid <= 1 || !isAlive(pid) || !isPostgresOn(pid, data)) {
    rmSync(pidFile, { force: true });
    return false;
  }
  for (const [signal, patienceMs] of [
    ['SIGINT', 10_000],
    ['SIGQUIT', 5_000],
    ['SIGKILL', 5_000],
  ] as const) {
    process.kill(pid, signal);
    if (await waitUntilGone(pid, patienceMs)) return true;
  }
  throw new Error(`a PostgreSQL left from an earlier start (process ${pid}) does not end`);
};

const isPostgresOn = (pid: number, data: string): boolean => {
  if (process.platform === 'linux') {
    try {
      return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(data);
    } catch {
      return false;
    }
  }
  return spawnSync('ps', ['-p', String(pid), '-o', 'command='], { encoding: 'utf8' }).stdout.includes(data);
};

/** Starts the server; stdout and stderr are pipes with its log. Stop it with SIGINT (fast shutdown). */
export const spawnPostgres = (prepared: PreparedPostgres, options: PostgresOptions): ChildProcess => {
  const settings: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    port: String(options.port),
    unix_socket_directories: '',
    max_connections: String(options.maxConnections ?? 100),
    password_encryption: 'scram-sha-256',
    fsync: options.durable ? 'on' : 'off',
    // A log line may hold names, never values: no failing statements, no DETAIL with keys.
    log_error_verbosity: 'terse',
    log_min_error_statement: 'panic',
    log_line_prefix: '%m [%p] ',
    ...(options.durable ? {} : { full_page_writes: 'off', autovacuum: 'off' }),
  };
  return spawnTied(
    prepared.binaries.postgres,
    ['-D', prepared.data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    {
      ...asAccount(prepared.account),
      cwd: '/',
      env: cleanEnv,
      stdio: ['ignore', 'pipe', 'pipe'],
      // Ctrl-C in a terminal reaches the whole foreground group; the launcher decides the order instead.
      detached: true,
      deathSignal: 'INT',
    },
  );
};

export const postgresUrl = (user: string, password: string, port: number, database: string): string =>
  `postgres://${encodeURIComponent(user)}:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`;

export const superuserUrl = (options: PostgresOptions, database = 'postgres'): string =>
  postgresUrl(SUPERUSER, options.superuserPassword, options.port, database);

/** Resolves when the server answers a query; rejects when the child ends first or time is up. */
export const waitForPostgres = async (
  url: string,
  child: ChildProcess,
  patienceMs: number,
): Promise<void> => {
  const until = Date.now() + patienceMs;
  for (;;) {
    const client = new Client({ connectionString: url, connectionTimeoutMillis: 2000 });
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.query('select 1');
      return;
    } catch (cause) {
      if (child.exitCode !== null || child.signalCode !== null) {
        throw new Error('PostgreSQL ended before it was ready', { cause });
      }
      if (Date.now() > until)
        throw new Error(`PostgreSQL did not answer within ${patienceMs / 1000} s`, { cause });
    } finally {
      await client.end().catch(() => undefined);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

/**
 * The role that owns and migrates (it may create roles and databases, but is no superuser and bypasses no policy), its
 * database, and the one thing only a superuser can do: take `set_config` away from everybody, so that an expression
 * smuggled into a query cannot switch tenant.
 */
export const createOwner = async (
  options: PostgresOptions,
  owner: { readonly password: string; readonly database: string },
): Promise<string> => {
  await withClient(superuserUrl(options), async (client) => {
    const role = await client.query("select 1 from pg_roles where rolname = 'mm_owner'");
    const verb = role.rowCount === 0 ? 'create' : 'alter';
    await client.query(
      `${verb} role mm_owner login createrole createdb nosuperuser nobypassrls password ${client.escapeLiteral(owner.password)}`,
    );
    const found = await client.query('select 1 from pg_database where datname = $1', [owner.database]);
    if (found.rowCount === 0)
      await client.query(`create database ${client.escapeIdentifier(owner.database)} owner mm_owner`);
  });
  await withClient(superuserUrl(options, owner.database), async (client) => {
    await client.query('revoke execute on function pg_catalog.set_config(text, text, boolean) from public');
    await client.query('grant execute on function pg_catalog.set_config(text, text, boolean) to mm_owner');
  });
  return postgresUrl('mm_owner', owner.password, options.port, owner.database);
};

const withClient = async <T>(url: string, work: (client: Client) => Promise<T>): Promise<T> => {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5000 });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
};
