/** Writes `bench/results/<name>.json` and refreshes the table in `bench/RESULTS.md`. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, writeFileSync, mkdirSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join, resolve } from 'node:path';

export interface Figure {
  /** What was measured, in words. */
  readonly figure: string;
  readonly value: number;
  readonly unit: string;
  /** What it is compared with, measured in the same run; null for a figure that stands alone. */
  readonly baseline: string | null;
  readonly baselineValue: number | null;
  /** value against baseline, in the direction that the target names. */
  readonly ratio: number | null;
  /** The bar in words, e.g. `>= 3.5 times faster`. */
  readonly target: string | null;
  readonly met: boolean | null;
}

interface Results {
  readonly name: string;
  readonly date: string;
  readonly machine: string;
  /** As `revision()`; older results have none. */
  readonly revision?: string;
  readonly quick: boolean;
  readonly figures: readonly Figure[];
}

// dist/bench/results.js -> the project's own bench/ folder
const folder = resolve(__dirname, '../../bench');

const machine = (): string => {
  const cores = cpus();
  return `${cores[0]?.model.trim() ?? 'unknown processor'}, ${cores.length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`;
};

/**
 * The commit that is measured: the last one that changed more than results, with a `+` where more is changed and not
 * committed. `unknown` outside of a repository.
 */
export const revision = (): string => {
  const git = (...args: string[]): string =>
    execFileSync('git', [...args, '--', '.', ':!bench/results', ':!bench/RESULTS.md'], {
      ...{ cwd: resolve(folder, '..'), encoding: 'utf8' },
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  try {
    const changed = git('status', '--porcelain') !== '';
    return git('log', '-1', '--format=%h') + (changed ? '+' : '');
  } catch {
    return 'unknown';
  }
};

const number = (value: number | null): string =>
  value === null ? '' : value.toLocaleString('en-US', { maximumSignificantDigits: 4 });

const table = (results: Results): string =>
  [
    `## ${results.name}`,
    '',
    `${results.date}${results.revision === undefined ? '' : `, commit ${results.revision}`}, ${results.machine}${results.quick ? ', quick run' : ''}. \`npm run bench:${results.name}\``,
    '',
    '| figure | value | baseline | ratio | target | met |',
    '|---|---|---|---|---|---|',
    ...results.figures.map((f) => {
      const baseline = f.baseline === null ? '' : `${f.baseline}: ${number(f.baselineValue)} ${f.unit}`;
      const met = f.met === null ? '' : f.met ? 'yes' : '**missed**';
      return `| ${f.figure} | ${number(f.value)} ${f.unit} | ${baseline} | ${number(f.ratio)} | ${f.target ?? ''} | ${met} |`;
    }),
    '',
  ].join('\n');

/** Stores the figures of one benchmark; a missed figure stands there as missed. */
export const writeResults = (
  name: string,
  figures: readonly Figure[],
  quick = process.argv.includes('--quick'),
): void => {
  const results: Results = {
    name,
    date: new Date().toISOString().slice(0, 10),
    machine: machine(),
    revision: revision(),
    quick,
    figures,
  };
  mkdirSync(join(folder, 'results'), { recursive: true });
  writeFileSync(join(folder, 'results', `${name}.json`), `${JSON.stringify(results, null, 2)}\n`);
  refreshTables();
};

/** `bench/RESULTS.md` from what is stored. */
export const refreshTables = (): void => {
  const all = readdirSync(join(folder, 'results'))
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map((file) => JSON.parse(readFileSync(join(folder, 'results', file), 'utf8')) as Results);
  const head =
    '# Results\n\nEach figure and its baseline were measured in the same run by the command named above its table. ' +
    'Machines are noisy: read the ratios. The code may be newer than a table: its commit is the one that was measured, with a `+` ' +
    'where more was changed than committed. Of a table without one, `git log -1 bench/results/NAME.json` names the commit that brought it.\n\n';
  writeFileSync(join(folder, 'RESULTS.md'), head + all.map(table).join('\n'));
};

/** The figures that are stored for a benchmark. */
export const readFigures = (name: string): readonly Figure[] => {
  const path = join(folder, 'results', `${name}.json`);
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Results).figures : [];
};

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};
