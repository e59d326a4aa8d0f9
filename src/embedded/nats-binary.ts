import { createHash } from 'node:crypto';
import {
  accessSync,
  chmodSync,
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { runProgram } from './child';

/** The official release that is fetched, with the sums of its SHA256SUMS file. */
const RELEASE = {
  version: '2.11.8',
  sha256: {
    'linux-amd64': '397a6deffb5533e160de0cca322bc3dcaec7fb7282d66a3dfa87a9c183152ad1',
    'linux-arm64': 'b08936cb1dc0ae7086137bda14c352df64397c4af45ed2b392705c19585aeb84',
    'darwin-amd64': '002c943c1ed39c55cc5e024debfc02685111fcb2b1cbd887aad39ac977037477',
    'darwin-arm64': '23e0c5354c2da385708946a21900c944fcb9a3bbfd02aae27a4ae750dea0b682',
  } as Readonly<Record<string, string>>,
};
const DOWNLOAD_MS = 60_000;
const CONNECT_MS = 3_000;

export interface NatsSearch {
  /** The environment's PATH, HOME and XDG_CACHE_HOME, passed by the entry point. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Used when the user's cache folder cannot be written. */
  readonly dataFolder: string;
  readonly tell?: (line: string) => void;
}

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

const onPath = (path: string): string | undefined =>
  [...path.split(delimiter), '/usr/sbin', '/usr/local/bin', '/opt/homebrew/bin']
    .filter((folder) => folder.startsWith('/'))
    .map((folder) => join(folder, 'nats-server'))
    .find(isExecutable);

/** Shared by all clones of one user, so that only the very first start fetches. */
const cacheFolders = (search: NatsSearch): string[] => {
  const home = search.env['XDG_CACHE_HOME'] ?? join(search.env['HOME'] ?? homedir(), '.cache');
  return [join(home, 'modelmint'), join(search.dataFolder, 'cache')];
};

const writableFolder = (folders: readonly string[]): string => {
  for (const folder of folders) {
    try {
      mkdirSync(folder, { recursive: true });
      accessSync(folder, constants.W_OK | constants.X_OK);
      return folder;
    } catch {
      continue;
    }
  }
  throw new Error(`none of these folders can be written: ${folders.join(', ')}`);
};

const target = (): string =>
  `${process.platform === 'darwin' ? 'darwin' : 'linux'}-${process.arch === 'arm64' ? 'arm64' : 'amd64'}`;

/** The official release from GitHub, taken only when its sum is the pinned one. */
const fromRelease = async (work: string): Promise<string> => {
  const stem = `nats-server-v${RELEASE.version}-${target()}`;
  const expected = RELEASE.sha256[target()];
  if (expected === undefined) throw new Error(`no release is pinned for ${target()}`);
  const url = `https://github.com/nats-io/nats-server/releases/download/v${RELEASE.version}/${stem}.tar.gz`;
  const abort = new AbortController();
  let timer = setTimeout(() => abort.abort(new Error(`no answer within ${CONNECT_MS / 1000} s`)), CONNECT_MS);
  try {
    const response = await fetch(url, { signal: abort.signal });
    clearTimeout(timer);
    timer = setTimeout(
      () => abort.abort(new Error(`not complete within ${DOWNLOAD_MS / 1000} s`)),
      DOWNLOAD_MS,
    );
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    const archive = Buffer.from(await response.arrayBuffer());
    const sum = createHash('sha256').update(archive).digest('hex');
    if (sum !== expected)
      throw new Error(`its sha256 is ${sum}, not the pinned ${expected}; it was not used`);
    writeFileSync(join(work, 'release.tar.gz'), archive);
  } catch (cause) {
    const reason =
      cause instanceof Error ? (cause.cause instanceof Error ? cause.cause.message : cause.message) : '';
    throw new Error(`${url}: ${reason}`, { cause });
  } finally {
    clearTimeout(timer);
  }
  const ran = await runProgram('tar', ['-xzf', join(work, 'release.tar.gz'), '-C', work]);
  if (ran.status !== 0) throw new Error(`unpacking ${stem}.tar.gz: ${ran.stderr}`);
  return join(work, stem, 'nats-server');
};

/**
 * Debian's own package, unpacked and not installed. apt checks its signatures as always; lists and cache live in our
 * folder, so that no rights are needed and a running apt does not stand in the way.
 */
const fromDistribution = async (work: string): Promise<string> => {
  if (!existsSync('/usr/bin/apt-get') || !existsSync('/usr/bin/dpkg'))
    throw new Error('this machine has no apt-get');
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' };
  // apt fetches as its own account `_apt`, which must be able to write here.
  chmodSync(work, 0o755);
  const apt = async (args: readonly string[], privateLists: boolean): Promise<void> => {
    const own = privateLists
      ? ['-o', `Dir::State::lists=${join(work, 'lists')}`, '-o', `Dir::Cache=${join(work, 'cache')}`]
      : [];
    const sandbox = ['-o', `APT::Sandbox::User=${process.getuid?.() === 0 ? 'root' : ''}`];
    const ran = await runProgram('/usr/bin/apt-get', ['-q', ...sandbox, ...own, ...args], {
      cwd: work,
      env,
      patienceMs: 120_000,
    });
    if (ran.status !== 0)
      throw new Error(`apt-get ${args[0]}: ${ran.stderr.split('\n').slice(-3).join(' ')}`);
  };
  try {
    await apt(['download', 'nats-server'], false);
  } catch {
    mkdirSync(join(work, 'lists', 'partial'), { recursive: true });
    mkdirSync(join(work, 'cache', 'archives', 'partial'), { recursive: true });
    // Only the package lists: translations and contents are megabytes that say nothing to us.
    await apt(['-o', 'Acquire::Languages=none', 'update'], true);
    await apt(['download', 'nats-server'], true);
  }
  const deb = readdirSync(work).find((name) => name.startsWith('nats-server_') && name.endsWith('.deb'));
  if (deb === undefined) throw new Error('apt-get download left no package');
  const unpacked = await runProgram('/usr/bin/dpkg', ['-x', join(work, deb), join(work, 'unpacked')], {
    env,
  });
  if (unpacked.status !== 0) throw new Error(`dpkg -x: ${unpacked.stderr}`);
  const binary = ['usr/sbin/nats-server', 'usr/bin/nats-server']
    .map((at) => join(work, 'unpacked', at))
    .find(existsSync);
  if (binary === undefined) throw new Error('the package holds no nats-server');
  return binary;
};

/**
 * A real nats-server: on the PATH, else in the cache, else fetched: the distribution's package or the pinned official
 * release, whichever is there first. At the end it has run once (`--version`), so what is returned works.
 */
export const findNatsServer = async (search: NatsSearch): Promise<string> => {
  const there =
    onPath(search.env['PATH'] ?? '') ??
    cacheFolders(search)
      .map((folder) => join(folder, 'nats-server'))
      .find(isExecutable);
  if (there !== undefined) return there;
  search.tell?.('fetching nats-server (once)');
  const cache = writableFolder(cacheFolders(search));
  const work = mkdtempSync(join(cache, '.fetching-'));
  try {
    const sources = [fromDistribution, fromRelease].map(async (source, index) => {
      const folder = join(work, String(index));
      mkdirSync(folder);
      const binary = await source(folder);
      chmodSync(binary, 0o755);
      const ran = await runProgram(binary, ['--version'], { patienceMs: 10_000 });
      if (ran.status !== 0) throw new Error(`nats-server --version: ${ran.stderr}`);
      return binary;
    });
    const found = await Promise.any(sources).catch((error: unknown) => {
      const reasons = (error as AggregateError).errors.map(
        (each) => `  - ${each instanceof Error ? each.message : String(each)}`,
      );
      throw new Error(
        [
          'nats-server was neither found on the PATH nor could it be fetched:',
          ...reasons,
          'Install it (Debian: apt-get install nats-server; macOS: brew install nats-server), put the program into',
          `${join(cache, 'nats-server')}, or name a running server with NATS_URL.`,
        ].join('\n'),
      );
    });
    const complete = join(work, 'nats-server');
    copyFileSync(found, complete);
    chmodSync(complete, 0o755);
    const at = join(cache, 'nats-server');
    renameSync(complete, at);
    // The slower source may still be writing into its folder; it is removed when that is over.
    void Promise.allSettled(sources).then(() => rmSync(work, { recursive: true, force: true }));
    return at;
  } catch (error) {
    rmSync(work, { recursive: true, force: true });
    throw error;
  }
};
