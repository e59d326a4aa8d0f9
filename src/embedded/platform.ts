import { mkdirSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { freePort } from './child';
import { DataFolder, StartError } from './data-folder';
import { natsUrl } from './nats';
import { findNatsServer } from './nats-binary';
import { gatewayPort } from './port';
import { createOwner, preparePostgres } from './postgres';
import type { PostgresOptions } from './postgres';
import { gatewayService, natsService, postgresService, workerService } from './services';
import type { Environment } from './services';
import { Supervisor } from './supervise';

const DATABASE = 'modelmint';
/** Consumers first: nobody is left talking to a server that is gone. */
const STOP_ORDER = ['worker', 'gateway', 'nats', 'postgres'] as const;

export interface EmbeddedOptions {
  readonly dataDir: string;
  /** 0 picks a free one. */
  readonly port: number;
  readonly env: Environment;
  readonly tell: (line: string) => void;
  /** Stops what was started so far, when it comes during the start. */
  readonly signal?: AbortSignal;
}

export interface EmbeddedPlatform {
  /** e.g. `http://127.0.0.1:4000` */
  readonly url: string;
  readonly endpoint: string;
  readonly data: DataFolder;
  readonly urls: { readonly owner: string; readonly app: string; readonly platform: string };
  /** Milliseconds a phase took, in order. */
  readonly phases: readonly (readonly [name: string, ms: number])[];
  /** Rejects when a child crashed too often; never resolves. */
  readonly failed: Promise<never>;
  pid(name: string): number | undefined;
  stop(): Promise<void>;
  /** Without asking; for the impatient. */
  kill(): Promise<void>;
}

const withRole = (ownerUrl: string, role: string, password: string): string => {
  const url = new URL(ownerUrl);
  url.username = role;
  url.password = encodeURIComponent(password);
  return url.href;
};

/** Neither child learns the owner's credentials; the worker learns no database and no store at all. */
const without = (env: Environment, names: RegExp): Environment =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !names.test(name)));

/** Starts PostgreSQL, NATS, gateway and worker on one data folder, or throws with nothing left running. */
export const startEmbedded = async (options: EmbeddedOptions): Promise<EmbeddedPlatform> => {
  const { env, tell } = options;
  const host = env['MM_HOST'] ?? '127.0.0.1';
  const port = await gatewayPort(options.port, host);
  const data = DataFolder.open(options.dataDir);
  const supervisor = new Supervisor({ logsFolder: data.folder('logs'), tell });
  const stop = async (): Promise<void> => {
    await supervisor.stop(STOP_ORDER);
    data.close();
  };
  options.signal?.addEventListener('abort', () => void stop(), { once: true });
  const phases: [string, number][] = [];
  const timed = async <T>(name: string, work: Promise<T>): Promise<T> => {
    const from = performance.now();
    const result = await work;
    phases.push([name, Math.round(performance.now() - from)]);
    return result;
  };
  try {
    // Loading takes as long as starting PostgreSQL does: at the same time, then.
    const database = import('../platform/database/index.js');
    database.catch(() => undefined);
    const [ownerUrl, messagingUrl] = await bothOrNeither(
      timed('postgres', postgres(data, env, supervisor, tell)),
      timed('nats', nats(data, env, supervisor, tell)),
    );
    const passwords = { app: data.secrets.postgresApp, platform: data.secrets.postgresPlatform };
    const { migrate } = await database;
    await timed('migrate', migrate(ownerUrl, passwords));
    const urls = {
      owner: ownerUrl,
      app: withRole(ownerUrl, 'mm_app', passwords.app),
      platform: withRole(ownerUrl, 'mm_platform', passwords.platform),
    };
    const at = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
    const url = `http://${at.includes(':') ? `[${at}]` : at}:${port}`;
    if (env['OBJECT_STORE_URL'] === undefined)
      mkdirSync(data.folder('objects'), { recursive: true, mode: 0o700 });
    const gatewayEnv: Environment = {
      OBJECT_STORE_URL: pathToFileURL(data.folder('objects')).href,
      MM_PUBLIC_URL: url,
      ...without(env, /^DATABASE_URL$/),
      MM_HOST: host,
      MM_PORT: String(port),
      APP_DATABASE_URL: urls.app,
      PLATFORM_DATABASE_URL: urls.platform,
      NATS_URL: messagingUrl,
      MM_SECRET: env['MM_SECRET'] ?? data.secrets.platform,
    };
    const workerEnv: Environment = {
      MM_SCRATCH_DIR: data.folder('scratch'),
      ...without(env, /DATABASE_URL$|^OBJECT_STORE_URL$|^AWS_|^MM_SECRET$/),
      NATS_URL: messagingUrl,
    };
    await bothOrNeither(
      timed('gateway', supervisor.start(gatewayService(gatewayEnv, url))),
      timed('worker', supervisor.start(workerService(workerEnv))),
    );
    return {
      url,
      endpoint: `${url}/graphql`,
      data,
      urls,
      phases,
      failed: supervisor.failed,
      pid: (name) => supervisor.pid(name),
      stop,
      kill: async () => {
        await supervisor.kill();
        data.close();
      },
    };
  } catch (error) {
    await stop();
    throw friendly(error);
  }
};

/** Waits for both even when one fails, so that what the other started can be stopped. */
const bothOrNeither = async <A, B>(one: Promise<A>, other: Promise<B>): Promise<[A, B]> => {
  await Promise.allSettled([one, other]);
  return Promise.all([one, other]);
};

const friendly = (error: unknown): unknown => {
  const { code, path } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || /No space left on device/.test(String(error)))
    return new StartError('the disk is full; free some space, or choose another --data-dir', {
      cause: error,
    });
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new StartError(
      `${path ?? 'the data folder'} cannot be written (${code}); choose another --data-dir`,
      { cause: error },
    );
  }
  return error;
};

/** The owner's URL of a running, empty or earlier, database. */
const postgres = async (
  data: DataFolder,
  env: Environment,
  supervisor: Supervisor,
  tell: (line: string) => void,
): Promise<string> => {
  const given = env['DATABASE_URL'];
  if (given !== undefined) return given;
  const options: PostgresOptions = {
    folder: data.folder('pg'),
    port: await freePort(data.state.postgresPort),
    superuserPassword: data.secrets.postgresSuperuser,
    durable: true,
  };
  const prepared = await preparePostgres(options);
  if (prepared.notice !== undefined) tell(prepared.notice);
  await supervisor.start(postgresService(prepared, options));
  data.remember({ postgresPort: options.port });
  return createOwner(options, { password: data.secrets.postgresOwner, database: DATABASE });
};

const nats = async (
  data: DataFolder,
  env: Environment,
  supervisor: Supervisor,
  tell: (line: string) => void,
): Promise<string> => {
  const given = env['NATS_URL'];
  if (given !== undefined) return given;
  const options = {
    binary: await findNatsServer({ env, dataFolder: data.path, tell }),
    folder: data.folder('nats'),
    port: await freePort(data.state.natsPort),
    user: 'modelmint',
    password: data.secrets.nats,
  };
  await supervisor.start(natsService(options));
  data.remember({ natsPort: options.port });
  return natsUrl(options);
};
