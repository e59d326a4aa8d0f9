/**
 * Automatic searches with little time, through a whole platform by two tenants in turn: what each took from its first
 * step to the stored model, beside its budget, and whether a model came out.
 */
import { readFileSync } from 'node:fs';
import { startPartners } from '../test/flow/partner';
import type { Partner } from '../test/flow/partner';
import { csv } from './families/sources';
import { writeResults } from './results';
import type { Figure } from './results';

const quick = process.argv.includes('--quick');
const BUDGETS = quick ? [3] : [3, 5, 10, 20];
const PATIENCE_MS = 5 * 60_000;

interface Asked {
  readonly name: string;
  readonly file: string;
  readonly target: string;
  readonly task: 'regression' | 'classification';
}

const ASKED: readonly Asked[] = [
  { name: 'heart', file: 'heart_cleveland', target: 'num', task: 'classification' },
  { name: 'concrete', file: 'concrete', target: 'strength', task: 'regression' },
  { name: 'housing', file: 'california_housing', target: 'median_house_value', task: 'regression' },
  { name: 'adult', file: 'adult_train', target: 'income', task: 'classification' },
];

interface Ended {
  readonly figure: Figure;
  readonly inTime: boolean;
  readonly made: boolean;
}

const search = async (owner: Partner, asked: Asked, versionId: string, seconds: number): Promise<Ended> => {
  const job = await owner.train(versionId, undefined, { seconds });
  const { startedAt, finishedAt, error, modelVersion } = job;
  const value = (Date.parse(finishedAt ?? '') - Date.parse(startedAt ?? '')) / 1000;
  const metric = asked.task === 'regression' ? 'rmse' : 'accuracy';
  const errorOf = (of: 'test' | 'baseline'): string =>
    modelVersion?.metrics[of][metric]?.toPrecision(4) ?? '';
  const [inTime, made] = [value <= seconds, modelVersion !== null];
  const outcome = made
    ? `a model, ${metric} ${errorOf('test')}, of the baseline ${errorOf('baseline')}`
    : `${job.state} without a model, ${error?.code}`;
  const figure = {
    ...{ figure: `search on ${asked.name} in ${seconds} s: ${outcome}`, value, unit: 's' },
    ...{ baseline: 'the budget', baselineValue: seconds, ratio: value / seconds },
    ...{ target: '<= 1 times, with a model', met: inTime && made },
  };
  console.log(`${figure.figure}: ${value.toFixed(2)} s`);
  return { figure, inTime, made };
};

const share = (what: string, searches: readonly Ended[], held: (search: Ended) => boolean): Figure => {
  const count = searches.filter(held).length;
  return {
    ...{ figure: `of ${searches.length} searches ${what}`, value: count, unit: 'searches' },
    ...{ baseline: null, baselineValue: null, ratio: null },
    ...{ target: `${searches.length}`, met: count === searches.length },
  };
};

const main = async (): Promise<void> => {
  const searches: Ended[] = [];
  const { platform, first, second } = await startPartners({ ownPostgres: true }, PATIENCE_MS);
  try {
    for (const [turn, asked] of (quick ? ASKED.slice(0, 2) : ASKED).entries()) {
      const owner = turn % 2 === 0 ? first : second;
      const scenarioId = await owner.scenario(asked.name, asked.task, asked.target);
      const { id, error } = await owner.upload(scenarioId, readFileSync(csv(asked.file)('')));
      if (error !== null) throw new Error(`${asked.file}: ${error.code}: ${error.message}`);
      for (const seconds of BUDGETS) searches.push(await search(owner, asked, id, seconds));
    }
  } finally {
    await platform.stop();
  }
  writeResults('budget', [
    share(
      'ended within their budget, from the first step to the stored model',
      searches,
      (one) => one.inTime,
    ),
    share('made a model', searches, (one) => one.made),
    ...searches.map(({ figure }) => figure),
  ]);
};

main().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
