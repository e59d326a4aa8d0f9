/** A label follows what the scenario says that a wrong one costs, from the API to the sealed file, for each tenant its own. */
import { EvaluationReport } from '../../contracts';
import { startPartners } from './partner';
import type { Partner, Partners, Version } from './partner';

/** A missed failure is nine times as bad as a false alarm, or the other way round. */
const CAREFUL = { falsePositive: 1, falseNegative: 9 };
const RELUCTANT = { falsePositive: 9, falseNegative: 1 };

/** The share of «yes» grows with `load`, so that no label is sure. */
const csv = (): Buffer => {
  const rows = Array.from({ length: 600 }, (_, row) => {
    const load = (row * 0.618034) % 1;
    const luck = (row * 0.414214) % 1;
    return `${load.toFixed(4)},${luck < load ? 'yes' : 'no'}`;
  });
  return Buffer.from(`load,fails\n${rows.join('\n')}\n`);
};
const ASKED = Array.from({ length: 41 }, (_, i) => ({ load: i / 40 }));

interface Answer {
  readonly prediction: string;
  readonly probabilities: number[];
}

let platform: Partners['platform'];
let first: Partner;
let second: Partner;
beforeAll(async () => {
  ({ platform, first, second } = await startPartners());
});
afterAll(() => platform.stop());

const scenarioWith = async (partner: Partner, errorCosts: object): Promise<{ id: string; data: Version }> => {
  const { createScenario } = await partner.run<{ createScenario: { id: string } }>(
    'mutation ($input: CreateScenarioInput!) { createScenario(input: $input) { id } }',
    { input: { name: 'failures', task: 'classification', target: 'fails', errorCosts } },
  );
  const data = await partner.upload(createScenario.id, csv());
  if (data.state !== 'SEALED') throw new Error(JSON.stringify(data.error));
  return { id: createScenario.id, data };
};

const UPDATE = `mutation ($id: ID!, $input: UpdateScenarioInput!) {
  updateScenario(id: $id, input: $input) { errorCosts }
}`;

/** Trains and deploys; what the file answers, and what its report says of the decision. */
const trained = async (
  partner: Partner,
  { id: datasetVersionId }: Version,
  name: string,
): Promise<{ answers: Answer[]; decision: EvaluationReport['decision'] }> => {
  const { modelVersion, error } = await partner.train(datasetVersionId, { family: 'linear' });
  if (modelVersion === null) throw new Error(JSON.stringify(error));
  const report = EvaluationReport.parse(await (await fetch(modelVersion.evaluationUrl ?? '')).json());
  const { predict } = await partner.run<{ predict: { outputs: Answer[] } }>(
    `query ($id: ID!, $rows: [JSON!]!) {
       predict(deploymentId: $id, rows: $rows) { outputs { prediction probabilities } }
     }`,
    { id: await partner.deploy(modelVersion.id, name), rows: ASKED },
  );
  return { answers: predict.outputs, decision: report.decision };
};

const labelsFrom = (answers: readonly Answer[], threshold: number): string[] =>
  answers.map(({ probabilities: [, yes = NaN] }) => (yes >= threshold ? 'yes' : 'no'));
const labelsOf = (answers: readonly Answer[]): string[] => answers.map(({ prediction }) => prediction);
const alarms = (answers: readonly Answer[]): number =>
  answers.filter(({ prediction }) => prediction === 'yes').length;

it('labels of a model are decided by the costs that its scenario has when the training starts', async () => {
  const [careful, reluctant] = [await scenarioWith(first, CAREFUL), await scenarioWith(second, RELUCTANT)];
  const one = await trained(first, careful.data, 'careful');
  expect(one.decision?.threshold).toBeCloseTo(0.1, 12);
  expect(labelsOf(one.answers)).toEqual(labelsFrom(one.answers, 0.1));

  const other = await trained(second, reluctant.data, 'reluctant');
  expect(other.decision?.threshold).toBeCloseTo(0.9, 12);
  expect(labelsOf(other.answers)).toEqual(labelsFrom(other.answers, 0.9));
  expect(alarms(one.answers)).toBeGreaterThan(alarms(other.answers) + 10);

  const foreign = await second.ask(UPDATE, { id: careful.id, input: { errorCosts: RELUCTANT } });
  expect(foreign.errors?.[0]?.extensions?.code).toBe('NOT_FOUND');
  await first.run(UPDATE, { id: careful.id, input: { errorCosts: RELUCTANT } });
  const changed = await trained(first, careful.data, 'changed');
  expect(changed.decision?.costs).toEqual([
    [0, 9],
    [1, 0],
  ]);
  // The probabilities are the same: only what is decided from them follows the costs.
  expect(changed.answers.map(({ probabilities }) => probabilities)).toEqual(
    one.answers.map(({ probabilities }) => probabilities),
  );
  expect(labelsOf(changed.answers)).toEqual(labelsFrom(one.answers, 0.9));
  expect(changed.decision?.meanCost).toBeLessThan(changed.decision?.meanCostOfMostProbable ?? NaN);
});
