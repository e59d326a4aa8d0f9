/**
 * Child processes with hard limits. A native library that misbehaves can only be stopped from outside: the kernel
 * refuses memory beyond RLIMIT_DATA (Linux), a watch on resident memory kills what slips past it (everywhere).
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { setPriority } from 'node:os';

export interface ProcessLimits {
  /** Resident memory above which the process is killed. */
  readonly memoryBytes: number;
  /** 0 to 19; higher gives way to others. */
  readonly niceness: number;
  /** False where a device driver maps more private memory than it uses (CUDA): then only the watch limits. */
  readonly limitData: boolean;
}

export interface LimitedCommand {
  /** JavaScript file that the process runs. */
  readonly script: string;
  readonly args: readonly string[];
  /** The whole environment of the child: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly limits: ProcessLimits;
}

/** Thread stacks and the runtime's own private mappings, which the task does not pay for (110 MB measured idle). */
const RUNTIME_DATA_BYTES = 256 * 1024 * 1024;
const STDERR_TAIL_CHARS = 4096;

const findPrlimit = (): string | null => {
  if (process.platform !== 'linux') return null;
  for (const path of ['/usr/bin/prlimit', '/bin/prlimit']) {
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // not here
    }
  }
  return null;
};
const prlimit = findPrlimit();

export interface LimitedProcess {
  readonly process: ChildProcess;
  /** The last characters that the process wrote to its error output. */
  stderrTail(): string;
}

/**
 * Spawns `script` under this Node with an IPC channel. `prlimit` sets the limits on itself and then becomes the
 * process (exec), so there is no instant without them and the pid is the child's own.
 */
export const spawnLimited = (command: LimitedCommand): LimitedProcess => {
  const { limits } = command;
  const heapMb = Math.max(64, Math.floor(limits.memoryBytes / 1024 / 1024));
  const node = [process.execPath, `--max-old-space-size=${heapMb}`, command.script, ...command.args];
  const argv =
    prlimit !== null && limits.limitData
      ? [prlimit, `--data=${limits.memoryBytes + RUNTIME_DATA_BYTES}`, '--core=0', '--', ...node]
      : node;
  const [file = process.execPath, ...args] = argv;
  const child = spawn(file, args, {
    cwd: command.cwd,
    env: { ...command.env },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    serialization: 'json',
  });
  let tail = '';
  child.stderr?.setEncoding('utf8');
  child.stderr?.on('data', (text: string) => {
    tail = (tail + text).slice(-STDERR_TAIL_CHARS);
  });
  // A child that died before a message reached it: its exit is reported by 'exit', not by an exception here.
  child.on('error', () => undefined);
  if (child.pid !== undefined) {
    try {
      setPriority(child.pid, limits.niceness);
    } catch {
      // It is gone already, or the system does not let us: the task runs at normal priority.
    }
  }
  return { process: child, stderrTail: () => tail };
};
