import type { ChildProcess } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { isAlive, runProgram, spawnTied, waitForPort, waitUntilGone } from './child';

export interface NatsOptions {
  readonly binary: string;
  /** Configuration, pid file and JetStream's store lie here. */
  readonly folder: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

export const natsUrl = (options: NatsOptions): string =>
  `nats://${encodeURIComponent(options.user)}:${encodeURIComponent(options.password)}@127.0.0.1:${options.port}`;

const pidFile = (folder: string): string => join(folder, 'nats-server.pid');

/** Only settings that nats-server 2.9 knows: Debian 12 brings 2.9.10. */
const configuration = (options: NatsOptions): string => `# written by modelmint at every start
server_name: modelmint
listen: ${JSON.stringify(`127.0.0.1:${options.port}`)}
pid_file: ${JSON.stringify(pidFile(options.folder))}
max_payload: 8MB
authorization { user: ${JSON.stringify(options.user)}, password: ${JSON.stringify(options.password)} }
jetstream {
  store_dir: ${JSON.stringify(join(options.folder, 'store'))}
  max_memory_store: 64MB
  max_file_store: 10GB
}
`;

/** Stops a server that an earlier launcher left running on this folder. */
export const stopLeftoverNats = async (folder: string): Promise<boolean> => {
  const file = pidFile(folder);
  if (!existsSync(file)) return false;
  const pid = Number.parseInt(readFileSync(file, 'utf8'), 10);
  rmSync(file, { force: true });
  if (!Number.isInteger(pid) || pid <= 1 || !isAlive(pid) || !(await isNatsOn(pid, folder))) return false;
  for (const [signal, patienceMs] of [
    ['SIGTERM', 5_000],
    ['SIGKILL', 5_000],
  ] as const) {
    process.kill(pid, signal);
    if (await waitUntilGone(pid, patienceMs)) return true;
  }
  throw new Error(`a nats-server left from an earlier start (process ${pid}) does not end`);
};

const isNatsOn = async (pid: number, folder: string): Promise<boolean> => {
  if (process.platform === 'linux') {
    try {
      return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(folder);
    } catch {
      return false;
    }
  }
  const ran = await runProgram('ps', ['-p', String(pid), '-o', 'command=']);
  return ran.stdout.includes('nats-server') && ran.stdout.includes(folder);
};

/** Starts the server; its log is on stderr. Stop it with SIGTERM: it ends with code 1, which is normal for it. */
export const spawnNats = (options: NatsOptions): ChildProcess => {
  mkdirSync(options.folder, { recursive: true, mode: 0o700 });
  const file = join(options.folder, 'nats-server.conf');
  writeFileSync(file, configuration(options), { mode: 0o600 });
  return spawnTied(options.binary, ['--config', file], {
    cwd: options.folder,
    env: { PATH: '/usr/bin:/bin', TZ: 'UTC' },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    deathSignal: 'TERM',
  });
};

export const waitForNats = (options: NatsOptions, child: ChildProcess, patienceMs: number): Promise<void> =>
  waitForPort(options.port, child, patienceMs);
