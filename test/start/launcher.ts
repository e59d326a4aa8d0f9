import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { lstatSync, mkdtempSync, readlinkSync, rmSync } from 'node:fs';
import { readFileSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export const REPOSITORY = resolve(__dirname, '../..');

export interface Launched {
  readonly child: ChildProcess;
  /** Everything said so far on stdout and stderr. */
  output(): string;
  /** Resolves with the match once the output has it; fails with the output when the launcher ends or time is up. */
  said(pattern: RegExp, patienceMs?: number): Promise<RegExpMatchArray>;
  /** Resolves with the exit code. */
  readonly ended: Promise<number | null>;
}

/** `npm start` without the build. */
export const launch = (
  args: readonly string[],
  options: { root?: string; env?: NodeJS.ProcessEnv } = {},
): Launched => run(process.execPath, ['dist/src/embedded/main.js', ...args], options);

export const run = (
  command: string,
  args: readonly string[],
  options: { root?: string; env?: NodeJS.ProcessEnv } = {},
): Launched => {
  const child = spawn(command, args, {
    cwd: options.root ?? REPOSITORY,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let text = '';
  const listeners = new Set<() => void>();
  const grow = (chunk: Buffer): void => {
    text += chunk.toString();
    for (const listener of listeners) listener();
  };
  child.stdout.on('data', grow);
  child.stderr.on('data', grow);
  const ended = new Promise<number | null>((settle) => child.once('close', (code) => settle(code)));
  return {
    child,
    output: () => text,
    ended,
    said: (pattern, patienceMs = 60_000) =>
      new Promise((settle, reject) => {
        const look = (): void => {
          const match = pattern.exec(text);
          if (match) finish(() => settle(match));
        };
        const finish = (how: () => void): void => {
          clearTimeout(late);
          listeners.delete(look);
          how();
        };
        const fail = (why: string): void =>
          finish(() => reject(new Error(`${why}; looked for ${pattern} in:\n${text}`)));
        const late = setTimeout(() => fail(`not said within ${patienceMs / 1000} s`), patienceMs);
        listeners.add(look);
        void ended.then((code) => fail(`it ended with ${code}`));
        look();
      }),
  };
};

/** A data folder for one test, and the way to remove it together with what lies elsewhere on its behalf. */
export const scratchFolder = (parent = tmpdir()): { path: string; remove(): void } => {
  const path = mkdtempSync(join(parent, 'modelmint-start-'));
  return {
    path,
    remove: () => {
      removeData(join(path, 'data'));
      rmSync(path, { recursive: true, force: true });
    },
  };
};

/** Removes a data folder, and PostgreSQL's data where that had to lie elsewhere. */
export const removeData = (dataDir: string): void => {
  const pg = join(dataDir, 'pg');
  if (lstatSync(pg, { throwIfNoEntry: false })?.isSymbolicLink()) {
    rmSync(readlinkSync(pg), { recursive: true, force: true });
  }
  rmSync(dataDir, { recursive: true, force: true });
};

const commandOf = (pid: string): string => readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');

/** The process number of the child of `pid` that has `name` in its command line. */
export const childOf = (pid: number, name: string): number => {
  const found = readdirSync('/proc').find((each) => {
    if (!/^\d+$/.test(each)) return false;
    try {
      const parent = readFileSync(`/proc/${each}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[1];
      return Number(parent) === pid && commandOf(each).includes(name);
    } catch {
      return false;
    }
  });
  if (found === undefined) throw new Error(`no child of ${pid} has ${name} in its command line`);
  return Number(found);
};
