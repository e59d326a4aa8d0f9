/**
 * Peak resident memory of the worker's processes over a file of which 1,000,000 rows x 20 columns are learned from: one that
 * profiles and seals it, and one for each training, from the sealed file to the verified model with its report.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ModelSpec, ProfileResult } from '../contracts';
import { runProfile } from '../gpu-worker/data';
import { trainPayload } from '../gpu-worker/child/rehearsal';
import { runTrain } from '../gpu-worker/train';
import { localIo, profilePayload } from './local-task';
import { uniform as uniformFrom } from './random';
import { writeResults } from './results';
import type { Figure } from './results';

const quick = process.argv.includes('--quick');
const LEARNED = quick ? 100_000 : 1_000_000;
const HELD_OUT = 0.2;
const COLUMNS = 20;
const GB = 1e9;

const TRAININGS: readonly { readonly name: string; readonly spec: object }[] = [
  { name: 'trees, 100 x 31 leaves', spec: { family: 'trees', trees: 100 } },
  { name: 'linear', spec: { family: 'linear' } },
  { name: 'mlp 64-64, one epoch', spec: { family: 'mlp', epochs: 1 } },
];

const generate = (path: string): void => {
  const uniform = uniformFrom(21, 0);
  const file = openSync(path, 'w');
  writeSync(file, `${Array.from({ length: COLUMNS }, (_, i) => `x${i}`).join(',')},y\n`);
  const rows = Math.ceil(LEARNED / (1 - HELD_OUT));
  for (let row = 0; row < rows;) {
    const lines: string[] = [];
    for (const end = Math.min(rows, row + 10_000); row < end; row++) {
      const x = Array.from({ length: COLUMNS }, uniform);
      const y = 10 * Math.sin(3 * x[0] * x[1]) + 20 * (x[2] - 0.5) ** 2 + 10 * x[3] + uniform();
      lines.push([...x, y].map((value) => value.toFixed(5)).join(','));
    }
    writeSync(file, `${lines.join('\n')}\n`);
  }
  closeSync(file);
};

interface Peak {
  readonly bytes: number;
  readonly seconds: number;
}

/** In a process of its own. */
const play = async (folder: string, spec: string | undefined): Promise<void> => {
  const scratchDir = mkdtempSync(join(folder, 'scratch-'));
  const io = localIo(scratchDir);
  const profiled = join(folder, 'profiled.json');
  const started = performance.now();
  if (spec === undefined) {
    const payload = profilePayload(join(folder, 'rows.csv'), join(folder, 'sealed'), {
      holdoutFraction: HELD_OUT,
    });
    writeFileSync(profiled, JSON.stringify(await runProfile(payload, io)));
  } else {
    const result = ProfileResult.parse(JSON.parse(readFileSync(profiled, 'utf8')));
    const payload = { ...trainPayload(result, folder), spec: ModelSpec.parse(JSON.parse(spec)) };
    await runTrain(payload, {
      ...io,
      leftMs: () => Infinity,
      loadCheckpoint: () => Promise.resolve(null),
      offerCheckpoint: () => undefined,
    });
  }
  const kibibytes = /VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  const peak: Peak = { bytes: Number(kibibytes) * 1024, seconds: (performance.now() - started) / 1000 };
  console.log(JSON.stringify(peak));
};

const peakOf = (...args: string[]): Peak =>
  JSON.parse(
    execFileSync(process.execPath, [__filename, '--play', ...args], { encoding: 'utf8', maxBuffer: 2 ** 26 })
      .trim()
      .split('\n')
      .at(-1) ?? '',
  ) as Peak;

const main = (): void => {
  const folder = mkdtempSync(join(tmpdir(), 'bench-memory-'));
  try {
    generate(join(folder, 'rows.csv'));
    const figures: Figure[] = [];
    const measure = (name: string, ...spec: string[]): void => {
      const { bytes, seconds } = peakOf(folder, ...spec);
      const rows = LEARNED.toLocaleString('en-US');
      figures.push({
        figure: `peak resident memory, ${name}, ${rows} x ${COLUMNS} rows to learn from and a fifth of all held out; ${seconds.toFixed(0)} s`,
        value: bytes / 1e6,
        unit: 'MB',
        baseline: null,
        baselineValue: null,
        ratio: null,
        target: '< 1000 MB',
        met: bytes < GB,
      });
      console.log(figures.at(-1)?.figure, bytes / 1e6);
    };
    measure('profiling and sealing the CSV');
    for (const { name, spec } of TRAININGS)
      measure(`training ${name}, report included`, JSON.stringify(spec));
    writeResults('memory', figures, quick);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

if (process.argv[2] === '--play') {
  play(process.argv[3], process.argv[4]).catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  });
} else main();
