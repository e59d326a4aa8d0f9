import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { freePort } from '../../src/embedded/child';
import { gatewayService, workerService } from '../../src/embedded/services';
import { Database } from '../../src/platform/database';
import { bootstrapInstallation, tenantEntities } from '../../src/tenant';
import { freshDatabase } from './database';
import type { TestDatabase } from './database';
import { startNats } from './nats';
import type { TestNats } from './nats';
import { startPostgres } from './postgres';
import { startProcess } from './process';
import type { TestProcess } from './process';
import { DIST } from './root';

export interface PlatformOptions {
  /** Added to the environment of gateway and worker, e.g. `{ MM_LEASE_MS: '3000' }`. */
  readonly env?: Readonly<Record<string, string>>;
  readonly gatewayEnv?: Readonly<Record<string, string>>;
  readonly workerEnv?: Readonly<Record<string, string>>;
  /** Worker processes; 1 unless said. 0 for tests that need none. */
  readonly workers?: number;
  /** A PostgreSQL of its own, which the test may kill: `platform.postgres`. */
  readonly ownPostgres?: boolean;
}

export interface TestPlatform {
  /** e.g. http://127.0.0.1:40123 */
  readonly url: string;
  /** The GraphQL endpoint. */
  readonly endpoint: string;
  readonly operatorToken: string;
  /** The first tenant, with a key that may do everything in it. */
  readonly tenantId: string;
  readonly apiKey: string;
  readonly database: TestDatabase;
  /** Only with `ownPostgres`. */
  readonly postgres?: TestProcess;
  readonly nats: TestNats;
  /** Where the object store's files lie. */
  readonly objects: string;
  readonly gateway: TestProcess;
  readonly workers: readonly TestProcess[];
  /** Runs one GraphQL operation and returns `{ data, errors }` as they came. */
  graphql<T = Record<string, unknown>>(
    document: string,
    variables?: Record<string, unknown>,
    options?: { readonly credential?: string | null; readonly headers?: Readonly<Record<string, string>> },
  ): Promise<GraphQLAnswer<T>>;
  /** As `graphql`, but throws when there are errors. */
  run<T = Record<string, unknown>>(
    document: string,
    variables?: Record<string, unknown>,
    credential?: string,
  ): Promise<T>;
  /** Stops everything and removes the files. Call it in afterAll. */
  stop(): Promise<void>;
}

export interface GraphQLAnswer<T> {
  readonly status: number;
  readonly data?: T | null;
  readonly errors?: readonly {
    readonly message: string;
    readonly extensions?: { readonly code?: string; readonly hint?: string };
  }[];
}

/** The built gateway and worker as real processes on a database, a nats-server and a folder of their own. */
export const startPlatform = async (options: PlatformOptions = {}): Promise<TestPlatform> => {
  const folder = mkdtempSync(join(tmpdir(), 'modelmint-platform-'));
  const objects = join(folder, 'objects');
  mkdirSync(objects);
  const stops: (() => Promise<void>)[] = [async () => rmSync(folder, { recursive: true, force: true })];
  const stop = async (): Promise<void> => {
    for (const each of stops.splice(0).reverse()) await each();
  };
  try {
    const [own, nats, port] = await Promise.all([
      options.ownPostgres === true ? startPostgres() : undefined,
      startNats(),
      freePort(),
    ]);
    if (own) stops.push(() => own.stop());
    const database = own ?? (await freshDatabase());
    stops.push(() => nats.stop());
    const first = await bootstrapFirst(database);
    const url = `http://127.0.0.1:${port}`;
    const common = { MM_LOG_LEVEL: 'info', ...options.env, NATS_URL: nats.url };
    const gatewayEnv = {
      ...process.env,
      MM_PORT: String(port),
      MM_PUBLIC_URL: url,
      MM_SECRET: randomBytes(32).toString('base64'),
      APP_DATABASE_URL: database.appUrl,
      PLATFORM_DATABASE_URL: database.platformUrl,
      OBJECT_STORE_URL: pathToFileURL(objects).href,
      ...common,
      ...options.gatewayEnv,
    };
    const workerEnv = (index: number) => ({
      ...process.env,
      MM_SCRATCH_DIR: join(folder, `scratch-${index}`),
      MM_WORKER_ID: `worker-${index}`,
      ...common,
      ...options.workerEnv,
    });
    const startTracked = async (starting: Promise<TestProcess>): Promise<TestProcess> => {
      const started = await starting;
      stops.push(() => started.stop());
      return started;
    };
    // Workers stop before the gateway: started later, stopped earlier.
    const gateway = await startTracked(startProcess(gatewayService(gatewayEnv, url, DIST)));
    const workers = await Promise.all(
      Array.from({ length: options.workers ?? 1 }, (_, index) =>
        startTracked(startProcess(workerService(workerEnv(index), DIST))),
      ),
    );
    const graphql: TestPlatform['graphql'] = async <T>(
      document: string,
      variables: Record<string, unknown> = {},
      {
        credential = first.apiKey,
        headers = {},
      }: { credential?: string | null; headers?: Readonly<Record<string, string>> } = {},
    ) => {
      const response = await fetch(`${url}/graphql`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(credential === null ? {} : { authorization: `Bearer ${credential}` }),
          ...headers,
        },
        body: JSON.stringify({ query: document, variables }),
      });
      return { status: response.status, ...((await response.json()) as Omit<GraphQLAnswer<T>, 'status'>) };
    };
    return {
      url,
      endpoint: `${url}/graphql`,
      operatorToken: first.operatorToken,
      tenantId: first.tenantId,
      apiKey: first.apiKey,
      database,
      ...(own ? { postgres: own.server } : {}),
      nats,
      objects,
      gateway,
      workers,
      graphql,
      run: async <T>(document: string, variables?: Record<string, unknown>, credential?: string) => {
        const answer = await graphql<T>(document, variables, credential === undefined ? {} : { credential });
        const error = answer.errors?.[0];
        if (error) throw new Error(`${error.extensions?.code}: ${error.message}`);
        return answer.data as T;
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
};

const bootstrapFirst = async (database: TestDatabase) => {
  const db = await Database.connect({
    appUrl: database.appUrl,
    platformUrl: database.platformUrl,
    entities: tenantEntities,
    poolSize: 2,
  });
  try {
    return await bootstrapInstallation(db, { tenantName: 'first tenant' });
  } finally {
    await db.close();
  }
};
