/**
 * Predictions through the whole API (key, route, parsing, runner process, stored usage event) against a plain
 * scikit-learn server without any of that: Flask under gunicorn, the same net, the same rows, interleaved.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '../src/embedded/loop/client';
import { startPlatform } from '../test/support/platform';
import { load } from './serve/load';
import type { Load, Target } from './serve/load';
import { startScikitServer } from './serve/scikit';
import { uniform } from './random';
import { median, writeResults } from './results';
import type { Figure } from './results';
import { createScenario, deploy, sealDataset, train } from './work';

const quick = process.argv.includes('--quick');
const ROUNDS = quick ? 1 : 5;
const SECONDS = quick ? 2 : 4;
const COLUMNS = Array.from({ length: 8 }, (_, i) => `x${i}`);
const CONCURRENT = 32;

const random = uniform(7, 1);
const row = (): Record<string, number> =>
  Object.fromEntries(COLUMNS.map((name) => [name, Math.round(random() * 1000) / 1000]));

const csv = (): string => {
  const lines = [[...COLUMNS, 'y'].join(',')];
  for (let i = 0; i < 2000; i++) {
    const values = row();
    lines.push(
      [
        ...COLUMNS.map((name) => values[name]),
        3 * (values['x0'] ?? 0) + (values['x1'] ?? 0) ** 2 + random(),
      ].join(','),
    );
  }
  return `${lines.join('\n')}\n`;
};

const PREDICT = `query Predict($deploymentId: ID!, $rows: [JSON!]!) {
  predict(deploymentId: $deploymentId, rows: $rows) { id outputs { prediction } } }`;

interface Case {
  readonly name: string;
  readonly concurrent: number;
  readonly rows: number;
}
const CASES: readonly Case[] = [
  { name: `${CONCURRENT} at a time, 1 row`, concurrent: CONCURRENT, rows: 1 },
  { name: '1 at a time, 1 row', concurrent: 1, rows: 1 },
  { name: `${CONCURRENT} at a time, 100 rows`, concurrent: CONCURRENT, rows: 100 },
];

const main = async (): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), 'modelmint-serve-'));
  const stops: (() => Promise<void>)[] = [];
  try {
    const platform = await startPlatform({
      ownPostgres: true,
      env: { MM_LOG_LEVEL: 'warn', MM_RATE_PER_SECOND: '1000000' },
    });
    stops.push(() => platform.stop());
    const client = new Client(platform.endpoint, platform.apiKey);
    const path = join(folder, 'rows.csv');
    writeFileSync(path, csv());
    const scenarioId = await createScenario(client, 'serving', 'y');
    const datasetVersionId = await sealDataset(client, { scenarioId, path });
    const version = await train(client, {
      datasetVersionId,
      spec: { family: 'mlp', hidden: [64, 64], epochs: 3 },
    });
    const deploymentId = await deploy(client, version, 'serve');
    const scikit = await startScikitServer(folder);
    stops.push(() => scikit.stop());

    const ours = (rows: readonly unknown[]): Target => ({
      url: platform.endpoint,
      headers: { authorization: `Bearer ${platform.apiKey}` },
      body: JSON.stringify({ query: PREDICT, variables: { deploymentId, rows } }),
      isAnswer: (text) => text.includes('"outputs"'),
    });
    const theirs = (rows: readonly unknown[]): Target => ({
      url: scikit.url,
      headers: {},
      body: JSON.stringify({ rows }),
      isAnswer: (text) => text.includes('"predictions"'),
    });

    const figures: Figure[] = [];
    for (const { name, concurrent, rows } of CASES) {
      const asked = Array.from({ length: rows }, row);
      const seen: { ours: Load[]; theirs: Load[] } = { ours: [], theirs: [] };
      for (let round = 0; round < ROUNDS; round++) {
        seen.ours.push(await load(ours(asked), concurrent, SECONDS));
        seen.theirs.push(await load(theirs(asked), concurrent, SECONDS));
      }
      const of = (which: keyof typeof seen, pick: (one: Load) => number): number =>
        median(seen[which].map(pick));
      const compare = (
        figure: string,
        unit: string,
        pick: (one: Load) => number,
        target: string | null,
      ): void => {
        const [value, baselineValue] = [of('ours', pick), of('theirs', pick)];
        const ratio = unit === 'ms' ? baselineValue / value : value / baselineValue;
        figures.push({
          figure: `${figure}, ${name}`,
          value,
          unit,
          baseline: 'Flask + scikit-learn under gunicorn, 2 processes, nothing metered',
          baselineValue,
          ratio,
          target,
          met: target === null ? null : ratio >= 1,
        });
        console.log(
          `${figure}, ${name}: ${value.toFixed(2)} ${unit}, baseline ${baselineValue.toFixed(2)} ${unit}`,
        );
      };
      compare('predictions', '/s', (one) => one.perSecond, '>= 1 times the baseline');
      compare('p50', 'ms', (one) => one.p50Ms, null);
      compare('p99', 'ms', (one) => one.p99Ms, null);
    }
    writeResults('serve', figures);
  } finally {
    for (const stop of stops.reverse()) await stop();
    rmSync(folder, { recursive: true, force: true });
  }
};

main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
