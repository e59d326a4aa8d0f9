/** `npm start -- --no-example` from installed packages to its «ready» line, on a new data folder and on one that is there. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { median, writeResults } from './results';
import type { Figure } from './results';

const quick = process.argv.includes('--quick');
const FIRST_STARTS = quick ? 1 : 3;
const LATER_STARTS = quick ? 2 : 5;
const PATIENCE_MS = 180_000;
const REPOSITORY = resolve(__dirname, '../..');

/** Milliseconds from the command to «ready»; the platform is stopped again as Ctrl-C stops it. */
const start = (dataDir: string, env: NodeJS.ProcessEnv): Promise<number> =>
  new Promise((done, reject) => {
    const from = performance.now();
    const npm = spawn('npm', ['start', '--', '--no-example', '--port', '0', '--data-dir', dataDir], {
      cwd: REPOSITORY,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true, // a group of its own, which Ctrl-C reaches as a whole
    });
    const interrupt = (signal: NodeJS.Signals): void => {
      if (npm.pid !== undefined) process.kill(-npm.pid, signal);
    };
    const late = setTimeout(() => interrupt('SIGKILL'), PATIENCE_MS);
    let said = '';
    let readyMs: number | null = null;
    npm.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    npm.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      // After the last word of a first start, so that it is complete when it is stopped.
      const ready = /^ready in .*$/m.exec(said);
      if (readyMs === null && ready !== null) {
        readyMs = performance.now() - from;
        console.log(`  ${ready[0]}`);
      }
      if (readyMs !== null && /^ *stop +Ctrl-C/m.test(said)) interrupt('SIGINT');
    });
    npm.once('error', reject);
    npm.once('close', () => {
      clearTimeout(late);
      if (readyMs === null) reject(new Error(`npm start did not become ready:\n${said}`));
      else done(readyMs);
    });
  });

const figure = (name: string, ms: number, targetS: number | null): Figure => ({
  figure: name,
  value: ms / 1000,
  unit: 's',
  baseline: null,
  baselineValue: null,
  ratio: null,
  target: targetS === null ? null : `<= ${targetS} s`,
  met: targetS === null ? null : ms <= targetS * 1000,
});

const main = async (): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), 'modelmint-start-'));
  try {
    const later: number[] = [];
    const first: number[] = [];
    // The very first start of a machine fetches nats-server; all others find it in the user's cache.
    const emptyCache = join(folder, 'cache');
    mkdirSync(emptyCache);
    const fetching = await start(join(folder, 'data'), { ...process.env, XDG_CACHE_HOME: emptyCache });
    console.log(`first start, nats-server fetched: ${(fetching / 1000).toFixed(2)} s`);
    for (let round = 0; round < FIRST_STARTS; round++) {
      first.push(await start(join(folder, `data-${round}`), process.env));
      console.log(`first start: ${((first.at(-1) ?? NaN) / 1000).toFixed(2)} s`);
    }
    for (let round = 0; round < LATER_STARTS; round++) {
      later.push(await start(join(folder, 'data-0'), process.env));
      console.log(`later start: ${((later.at(-1) ?? NaN) / 1000).toFixed(2)} s`);
    }
    writeResults(
      'start',
      [
        figure(`npm start to «ready», new data folder, median of ${FIRST_STARTS}`, median(first), 10),
        figure('the same on a machine without nats-server, which is fetched', fetching, null),
        figure(
          `npm start to «ready», data folder that is there, median of ${LATER_STARTS}`,
          median(later),
          4,
        ),
      ],
      quick,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
