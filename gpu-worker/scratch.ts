import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const OWN = /^worker-(\d+)$/;

export interface Scratch {
  /** Holds one folder per running task. */
  readonly tasksDir: string;
  /** Stays empty: where task processes start. */
  readonly emptyDir: string;
  remove(): void;
}

/** Makes this process's scratch folder and removes those that dead workers left behind. */
export const openScratch = (root: string): Scratch => {
  mkdirSync(root, { recursive: true, mode: 0o700 });
  for (const name of readdirSync(root)) {
    const pid = Number(OWN.exec(name)?.[1]);
    if (pid === process.pid || (Number.isInteger(pid) && !isAlive(pid))) remove(join(root, name));
  }
  const own = join(root, `worker-${process.pid}`);
  const tasksDir = join(own, 'tasks');
  const emptyDir = join(own, 'empty');
  mkdirSync(tasksDir, { recursive: true, mode: 0o700 });
  mkdirSync(emptyDir, { recursive: true, mode: 0o500 });
  return { tasksDir, emptyDir, remove: () => remove(own) };
};

const remove = (path: string): void => rmSync(path, { recursive: true, force: true });

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
};
