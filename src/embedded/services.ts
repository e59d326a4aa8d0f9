import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { spawnTied } from './child';
import { spawnNats, stopLeftoverNats, waitForNats } from './nats';
import type { NatsOptions } from './nats';
import { spawnPostgres, stopLeftover, superuserUrl, waitForPostgres } from './postgres';
import type { PostgresOptions, PreparedPostgres } from './postgres';
import type { Service } from './supervise';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Where the compiled entry points lie: this file is dist/src/embedded/services.js, or its source in a test. */
const ROOT = resolve(__dirname, '../..');
const DIST = existsSync(join(ROOT, 'src/main.js')) ? ROOT : join(ROOT, 'dist');

/** How long a child may take to answer; a machine under load is slow, not broken. */
const READY_MS = 60_000;

export const postgresService = (prepared: PreparedPostgres, options: PostgresOptions): Service => ({
  name: 'postgres',
  spawn: async () => {
    await stopLeftover(prepared.data);
    return spawnPostgres(prepared, options);
  },
  ready: (child) => waitForPostgres(superuserUrl(options), child, READY_MS),
  stopSignal: 'SIGINT', // fast shutdown: clients are told, everything is written
  patienceMs: 20_000,
});

export const natsService = (options: NatsOptions): Service => ({
  name: 'nats',
  spawn: async () => {
    await stopLeftoverNats(options.folder);
    return spawnNats(options);
  },
  ready: (child) => waitForNats(options, child, READY_MS),
  stopSignal: 'SIGTERM',
  patienceMs: 10_000,
});

const nodeService = (name: string, script: string, env: Environment, ready: Service['ready']): Service => ({
  name,
  spawn: () =>
    spawnTied(process.execPath, [script], {
      env: { ...env },
      // The fourth is the channel by which the child says «ready» and notices our end.
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      detached: true,
      deathSignal: 'TERM',
    }),
  ready,
  stopSignal: 'SIGTERM',
  patienceMs: 30_000,
});

const until = async (child: ChildProcess, answered: () => Promise<boolean>): Promise<void> => {
  const deadline = Date.now() + READY_MS;
  while (!(await answered())) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error('it ended before it was ready');
    if (Date.now() > deadline) throw new Error(`it was not ready within ${READY_MS / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
};

export const gatewayService = (env: Environment, url: string, dist = DIST): Service =>
  nodeService('gateway', join(dist, 'src/main.js'), env, (child) =>
    until(child, () =>
      fetch(`${url}/readyz`, { signal: AbortSignal.timeout(5000) }).then(
        async (response) => {
          await response.arrayBuffer();
          return response.ok;
        },
        () => false,
      ),
    ),
  );

/** Ready when it says so: `process.send('ready')`. */
export const workerService = (env: Environment, dist = DIST): Service => {
  return nodeService('worker', join(dist, 'gpu-worker/main.js'), env, (child) => {
    let said = false;
    child.once('message', () => (said = true));
    return until(child, () => Promise.resolve(said));
  });
};
