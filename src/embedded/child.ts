import { spawn } from 'node:child_process';
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { connect } from 'node:net';

const SETPRIV = '/usr/bin/setpriv';

/**
 * Starts a child that the kernel stops when we die without a chance to say so (Linux: parent-death signal through
 * util-linux's setpriv). Elsewhere the next start finds and stops what was left.
 */
export const spawnTied = (
  command: string,
  args: readonly string[],
  options: SpawnOptions & { readonly deathSignal: 'INT' | 'TERM' | 'KILL' },
): ChildProcess => {
  const { deathSignal, ...rest } = options;
  return process.platform === 'linux' && existsSync(SETPRIV)
    ? spawn(SETPRIV, ['--pdeathsig', deathSignal, command, ...args], rest)
    : spawn(command, args, rest);
};

/** Resolves when the child is gone; at once when it is gone already. */
export const exited = (child: ChildProcess): Promise<void> =>
  child.exitCode !== null || child.signalCode !== null || child.pid === undefined
    ? Promise.resolve()
    : new Promise((resolve) => child.once('exit', () => resolve()));

/** Asks with `signal`, insists with SIGKILL after `patienceMs`. */
export const stopChild = async (
  child: ChildProcess,
  signal: NodeJS.Signals,
  patienceMs: number,
): Promise<void> => {
  const gone = exited(child);
  child.kill(signal);
  const insist = setTimeout(() => child.kill('SIGKILL'), patienceMs);
  await gone;
  clearTimeout(insist);
};

export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
};

/** Milliseconds-precise wait for a process that is not our child. False when it still runs after `patienceMs`. */
export const waitUntilGone = async (pid: number, patienceMs: number): Promise<boolean> => {
  const until = Date.now() + patienceMs;
  while (isAlive(pid)) {
    if (Date.now() > until) return false;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  return true;
};

/** The wanted port when it is free on 127.0.0.1, else one that the system picks. */
export const freePort = async (wanted?: number): Promise<number> => {
  const tryPort = (port: number): Promise<number | null> =>
    new Promise((resolve) => {
      const server = createServer();
      server.once('error', () => resolve(null));
      server.listen(port, '127.0.0.1', () => {
        const at = server.address();
        server.close(() => resolve(at !== null && typeof at === 'object' ? at.port : null));
      });
    });
  const port = (wanted === undefined ? null : await tryPort(wanted)) ?? (await tryPort(0));
  if (port === null) throw new Error('no free port on 127.0.0.1');
  return port;
};

/** Resolves when something accepts connections on the port; rejects when the child ends first or time is up. */
export const waitForPort = async (port: number, child: ChildProcess, patienceMs: number): Promise<void> => {
  const until = Date.now() + patienceMs;
  const once = (): Promise<boolean> =>
    new Promise((resolve) => {
      const socket = connect({ port, host: '127.0.0.1' });
      socket.once('connect', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });
  while (!(await once())) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error('it ended before it was ready');
    if (Date.now() > until) throw new Error(`it did not open port ${port} within ${patienceMs / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
};

export const isFolder = (path: string): boolean =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

/** Runs a program to its end. Rejects when it cannot be started or runs longer than `patienceMs`. */
export const runProgram = (
  command: string,
  args: readonly string[],
  options: SpawnOptions & { readonly patienceMs?: number } = {},
): Promise<{ status: number | null; stdout: string; stderr: string }> =>
  new Promise((resolve, reject) => {
    const { patienceMs = 60_000, ...rest } = options;
    const child = spawn(command, args, { ...rest, stdio: ['ignore', 'pipe', 'pipe'] });
    const text = { stdout: '', stderr: '' };
    child.stdout?.on('data', (chunk: Buffer) => (text.stdout += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (text.stderr += chunk.toString()));
    const late = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`${command} took longer than ${patienceMs / 1000} s`));
    }, patienceMs);
    child.once('error', (cause) => {
      clearTimeout(late);
      reject(new Error(`${command} could not be started: ${cause.message}`, { cause }));
    });
    child.once('close', (status) => {
      clearTimeout(late);
      resolve({ status, stdout: text.stdout.trim(), stderr: text.stderr.trim() });
    });
  });
