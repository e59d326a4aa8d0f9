/**
 * Every model family on real data, from upload to verified file: profile, seal, train, evaluate, export, verify, as the
 * worker's tasks do it. The baseline is what knows nothing, on the same held-out rows. `-- --only NAME` runs some.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ModelSpec } from '../contracts';
import { readSealed, runProfile } from '../gpu-worker/data';
import { trainTable } from '../gpu-worker/train/train-table';
import { CASES } from './families/cases';
import type { Case } from './families/cases';
import { DATA } from './families/sources';
import { localIo, profilePayload } from './local-task';
import { writeResults } from './results';
import type { Figure } from './results';

const LEFT_OUT = new Set(['CONSTANT_COLUMN', 'IDENTIFIER_COLUMN', 'LEAKING_COLUMN']);

const run = async (of: Case, folder: string): Promise<Figure> => {
  const sealed = join(folder, 'sealed.parquet');
  const io = localIo(join(folder, 'scratch'));
  mkdirSync(io.scratchDir);
  const profiled = await runProfile(
    profilePayload(of.source(folder), sealed, {
      format: of.format,
      target: of.target,
      task: of.task === 'regression' ? 'regression' : null,
      salt: of.name,
    }),
    io,
  );
  const warned = profiled.warnings.flatMap(({ code, column }) =>
    LEFT_OUT.has(code) && column !== null ? [column] : [],
  );
  const started = performance.now();
  const { manifest, onnx } = await trainTable(
    await readSealed(sealed, profiled.columns),
    {
      target: of.target,
      task: of.task,
      holdout: profiled.holdout,
      exclude: [...(of.exclude ?? []), ...warned],
      spec: ModelSpec.parse(of.spec),
      seed: 1,
      device: 'cpu',
    },
    { signal: io.signal, progress: () => undefined, champion: null },
  );
  const seconds = (performance.now() - started) / 1000;
  const [value, baseline] = [
    manifest.metrics.test[of.metric] ?? NaN,
    manifest.metrics.baseline[of.metric] ?? NaN,
  ];
  console.log(
    of.spec['family'],
    of.name,
    JSON.stringify({
      test: manifest.metrics.test,
      seconds: Number(seconds.toFixed(1)),
      bytes: onnx.length,
      verified: manifest.verified,
    }),
  );
  return {
    figure: `${String(of.spec['family'])} on ${of.name} (${of.task}): ${of.metric} of held-out rows, verified file, ${seconds.toFixed(0)} s`,
    value,
    unit: of.metric,
    baseline: of.against,
    baselineValue: baseline,
    ratio: value / baseline,
    target: of.lower ? '< baseline' : '> baseline',
    met: of.lower ? value < baseline : value > baseline,
  };
};

const main = async (): Promise<void> => {
  if (!existsSync(DATA)) throw new Error(`the real data are not there: ${DATA}`);
  const quick = process.argv.includes('--quick');
  const at = process.argv.indexOf('--only');
  const only = at < 0 ? undefined : process.argv[at + 1];
  const cases = CASES.filter(
    (of) =>
      (!quick || of.quick === true) &&
      (only === undefined || `${String(of.spec['family'])} ${of.name}`.includes(only)),
  );
  const figures: Figure[] = [];
  for (const of of cases) {
    const folder = mkdtempSync(join(tmpdir(), 'bench-families-'));
    try {
      figures.push(await run(of, folder));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  if (only === undefined) writeResults('families', figures, quick);
  const missed = figures.filter(({ met }) => met === false);
  console.log(`${figures.length - missed.length} of ${figures.length} beat what knows nothing`);
};

main().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
