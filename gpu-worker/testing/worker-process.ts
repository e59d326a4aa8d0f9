/** Starts the worker as its own process, as it runs in production. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface WorkerProcess {
  readonly process: ChildProcess;
  readonly pid: number;
  log(): string;
  /** Resolves with exit code or signal. */
  readonly exited: Promise<number | NodeJS.Signals | null>;
}

/** `worker.cjs`: tasks that show one behaviour each; the default. The product's own tasks: `REAL_WORKER`. */
export const REAL_WORKER = join(__dirname, '../../dist/gpu-worker/main.js');

export const startWorkerProcess = (
  env: Record<string, string>,
  script: string = join(__dirname, 'worker.cjs'),
): WorkerProcess => {
  const child = spawn(process.execPath, [script], {
    env: { PATH: '/usr/bin:/bin', MM_LOG_LEVEL: 'debug', SECRET_OF_WORKER: 'x', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return {
    process: child,
    pid: child.pid ?? 0,
    log: () => text,
    exited: new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal))),
  };
};

export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    // A zombie that nobody has waited for is dead, too.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
};

/** Pids whose parent is `pid` (Linux). */
export const childrenOf = (pid: number): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((candidate) => {
      try {
        return new RegExp(`^PPid:\\s+${pid}$`, 'm').test(readFileSync(`/proc/${candidate}/status`, 'utf8'));
      } catch {
        return false;
      }
    });

export const until = async (what: string, condition: () => boolean, limitMs = 10_000): Promise<void> => {
  const startedAt = Date.now();
  while (!condition()) {
    if (Date.now() - startedAt > limitMs) throw new Error(`not within ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};
