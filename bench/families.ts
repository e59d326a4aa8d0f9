/**
 * Every model family on real data through a whole platform, by two tenants in turn: uploaded to the gateway, sealed,
 * trained, deployed, and asked over GraphQL. The baseline is what knows nothing, on the same held-out rows.
 * Figures are stored as they are done, so that a run can be made in pieces: `-- --only NAME,NAME` runs some, and the others
 * stay as they are stored.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ModelSpec } from '../contracts';
import { PREDICT, askGolden, unlikeGolden } from '../test/flow/golden';
import { startPartners } from '../test/flow/partner';
import type { Partner } from '../test/flow/partner';
import { CASES } from './families/cases';
import type { Case } from './families/cases';
import { secondsTable } from './families/seconds';
import type { Taken } from './families/seconds';
import { DATA } from './families/sources';
import { option } from './option';
import { median, readFigures, writeResults } from './results';
import type { Figure } from './results';

/** For the longest upload or training. */
const PATIENCE_MS = 20 * 60_000;
const REQUESTS = 21;

const titleOf = (of: Case): string => `${String(of.spec['family'])} on ${of.name}`;

/** How its figure begins. */
const headOf = (of: Case): string => `${titleOf(of)} (${of.task}): `;

/** Stores a figure in its place among those of all cases. */
const store = (figure: Figure): void => {
  const known = [figure, ...readFigures('families')];
  const figures = CASES.flatMap((of) => known.find((each) => each.figure.startsWith(headOf(of))) ?? []);
  writeResults('families', figures, false);
};

const run = async (
  of: Case,
  owner: Partner,
  stranger: Partner,
  folder: string,
): Promise<{ figure: Figure; taken: Taken }> => {
  const scenario = { name: titleOf(of), task: of.task, target: of.target };
  const { sealed, job, model, golden, deploymentId, asked } = await askGolden(
    owner,
    scenario,
    readFileSync(of.source(folder)),
    of.spec,
    { format: of.format, exclude: of.exclude ?? [], holdoutGroup: of.holdoutGroup },
  );
  const rows = golden.rows.length;
  const asVerified = rows - unlikeGolden(golden, asked.outputs).length;
  const one = { id: deploymentId, rows: golden.rows.slice(0, 1) };
  const refusal = (await stranger.ask(PREDICT, one)).errors?.[0]?.extensions?.code ?? 'an answer';
  const latencies: number[] = [];
  for (let request = 0; request < REQUESTS; request++) {
    const from = performance.now();
    await owner.run(PREDICT, one);
    latencies.push(performance.now() - from);
  }
  const columns = await columnsOf(owner, sealed.id);
  const cells = Number(sealed.rows) * columns.length;
  const seconds = (Date.parse(job.finishedAt ?? '') - Date.parse(job.startedAt ?? '')) / 1000;
  const { test, baseline } = model.metrics;
  const [value, baselineValue] = [test[of.metric] ?? NaN, baseline[of.metric] ?? NaN];
  const better = of.lower ? value < baselineValue : value > baselineValue;
  return {
    taken: {
      spec: ModelSpec.parse(of.spec),
      cells,
      seconds,
      columns: columns.filter(({ name }) => of.exclude?.includes(name) !== true).map(({ type }) => type),
    },
    figure: {
      figure:
        `${headOf(of)}${of.metric} of held-out rows; ${cells} cells in ${seconds.toFixed(1)} s; ` +
        `${asVerified} of ${rows} golden rows served as verified, ${refusal} for another tenant; ` +
        `one row in ${median(latencies).toFixed(1)} ms` +
        (test['privacyDistance'] === undefined
          ? ''
          : `; privacy distance ${test['privacyDistance'].toFixed(2)}`),
      value,
      unit: of.metric,
      baseline: of.against,
      baselineValue,
      ratio: value / baselineValue,
      target: of.lower ? '< baseline' : '> baseline',
      met: better && rows > 0 && asVerified === rows && refusal === 'NOT_FOUND',
    },
  };
};

/** Their types by name. */
const columnsOf = async (owner: Partner, id: string): Promise<{ name: string; type: string }[]> => {
  const { datasetVersion } = await owner.run<{
    datasetVersion: { profile: { name: string; type: string }[] };
  }>(`query ($id: ID!) { datasetVersion(id: $id) { profile { name type } } }`, { id });
  return datasetVersion.profile;
};

const main = async (): Promise<void> => {
  if (!existsSync(DATA)) throw new Error(`the real data are not there: ${DATA}`);
  const quick = process.argv.includes('--quick');
  const only = option('only')?.split(',');
  const cases = CASES.filter(
    (of) =>
      (!quick || of.quick === true) &&
      (only === undefined || only.some((name) => titleOf(of).includes(name))),
  );
  const figures: Figure[] = [];
  const taken: Taken[] = [];
  const failed: string[] = [];
  const { platform, first, second } = await startPartners({ ownPostgres: true }, PATIENCE_MS);
  try {
    for (const [turn, of] of cases.entries()) {
      const [owner, stranger] = turn % 2 === 0 ? [first, second] : [second, first];
      const folder = mkdtempSync(join(tmpdir(), 'bench-families-'));
      try {
        const done = await run(of, owner, stranger, folder);
        console.log(done.figure.figure, done.figure.value, done.figure.met);
        figures.push(done.figure);
        if (!quick) store(done.figure);
        taken.push(done.taken);
      } catch (error) {
        console.error(titleOf(of), error);
        failed.push(titleOf(of));
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }
  } finally {
    await platform.stop();
  }
  const missed = figures.filter(({ met }) => met === false);
  console.log(
    `${figures.length - missed.length} of ${cases.length} beat what knows nothing, served as verified`,
  );
  console.log(`seconds for every million cells and pass:\n${secondsTable(taken)}`);
  if (failed.length > 0) throw new Error(`without a model: ${failed.join(', ')}`);
};

main().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
