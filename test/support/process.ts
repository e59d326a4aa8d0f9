import type { ChildProcess } from 'node:child_process';
import { exited, stopChild } from '../../src/embedded/child';
import type { Service } from '../../src/embedded/supervise';

/** A real process of the platform in the hands of a test. */
export interface TestProcess {
  readonly pid: number;
  /** Its output so far, newest 500 lines. */
  log(): string;
  /** Sends the signal and waits for the end; `kill -9` when none is named. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Sends a signal and does not wait, e.g. SIGSTOP and SIGCONT. */
  signal(signal: NodeJS.Signals): void;
  /** Starts it again after a kill, and waits until it is ready. */
  start(): Promise<void>;
  /** Stops it the way the launcher does. */
  stop(): Promise<void>;
}

export const startProcess = async (service: Service): Promise<TestProcess> => {
  const lines: string[] = [];
  const keep = (chunk: Buffer): void => {
    lines.push(...chunk.toString().split('\n').filter(Boolean));
    lines.splice(0, Math.max(0, lines.length - 500));
  };
  const launch = async (): Promise<ChildProcess> => {
    const child = await service.spawn();
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    try {
      await service.ready(child);
    } catch (cause) {
      await stopChild(child, 'SIGKILL', 1000);
      throw new Error(`${service.name} did not start: ${String(cause)}\n${lines.slice(-40).join('\n')}`, {
        cause,
      });
    }
    return child;
  };
  let child = await launch();
  return {
    get pid() {
      return child.pid ?? 0;
    },
    log: () => lines.join('\n'),
    kill: async (signal = 'SIGKILL') => {
      child.kill(signal);
      await exited(child);
    },
    signal: (signal) => void child.kill(signal),
    start: async () => {
      child = await launch();
    },
    stop: () => stopChild(child, service.stopSignal, service.patienceMs),
  };
};
