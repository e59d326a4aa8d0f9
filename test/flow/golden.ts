/** The whole answer to rows over GraphQL, and whether it is what the sealed file answered when it was verified. */
import { GoldenRows } from '../../contracts';
import type { RawCell } from '../../contracts';
import { modelOf } from './partner';
import type { Job, Model, Partner, Version } from './partner';

export interface RowAnswer {
  readonly prediction: string | number | null;
  readonly probabilities: number[] | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly set: string[] | null;
  readonly forecast: { readonly prediction: number[][]; readonly quantiles: number[][][] } | null;
  readonly row: Readonly<Record<string, string | number | null>> | null;
}

export interface Asked {
  readonly id: string;
  readonly targets: string[] | null;
  readonly levels: number[] | null;
  readonly outputs: RowAnswer[];
}

export const PREDICT = `query ($id: ID!, $rows: [JSON!]!) { predict(deploymentId: $id, rows: $rows) {
  id targets levels
  outputs { prediction probabilities low high set forecast { prediction quantiles } row }
} }`;

export interface Golden {
  readonly scenarioId: string;
  readonly sealed: Version;
  readonly job: Job;
  readonly model: Model;
  readonly golden: GoldenRows;
  readonly deploymentId: string;
  readonly asked: Asked;
}

/** From a file to answers: declared, sealed, trained, deployed, and asked the version's own golden rows. No spec: `auto`. */
export const askGolden = async (
  partner: Partner,
  scenario: { readonly name: string; readonly task: string; readonly target: string | null },
  file: Buffer,
  spec?: object,
  set: Record<string, unknown> = {},
): Promise<Golden> => {
  const scenarioId = await partner.scenario(scenario.name, scenario.task, scenario.target);
  const sealed = await partner.upload(scenarioId, file, set);
  if (sealed.state !== 'SEALED') throw new Error(JSON.stringify(sealed.error));
  const job = await partner.train(sealed.id, spec);
  const model = modelOf(job);
  const golden = GoldenRows.parse(await (await fetch(model.goldenUrl)).json());
  const deploymentId = await partner.deploy(model.id, job.id);
  const { predict: asked } = await partner.run<{ predict: Asked }>(PREDICT, {
    id: deploymentId,
    rows: golden.rows,
  });
  return { scenarioId, sealed, job, model, golden, deploymentId, asked };
};

type Cell = RawCell | undefined;

const agrees = (given: Cell, wanted: Cell): boolean =>
  typeof given === 'number' && typeof wanted === 'number'
    ? Math.abs(given - wanted) <= 1e-4 * Math.abs(wanted) + 1e-6
    : given === wanted;

const agreeAll = (given: readonly Cell[], wanted: readonly Cell[]): boolean =>
  given.length === wanted.length && wanted.every((cell, at) => agrees(given[at], cell));

/** Numbers of the golden rows that are not answered as recorded. Intervals and sets are not recorded. */
export const unlikeGolden = (golden: GoldenRows, outputs: readonly RowAnswer[]): number[] =>
  [...golden.rows.keys()].filter((at) => {
    const { prediction, probabilities, forecast, row } = outputs[at] ?? {};
    const made = golden.generated?.[at];
    if (made !== undefined) {
      const names = Object.keys(made);
      const given = row ?? {};
      return !(
        Object.keys(given).length === names.length &&
        names.every((name) => name in given && agrees(given[name], made[name]))
      );
    }
    const steps = golden.forecasts?.[at];
    return !(
      agrees(prediction, golden.predictions[at]) &&
      agreeAll(probabilities ?? [], golden.probabilities?.[at] ?? []) &&
      agreeAll(forecast?.prediction.flat() ?? [], steps?.prediction.flat() ?? []) &&
      agreeAll(forecast?.quantiles.flat(2) ?? [], steps?.quantiles.flat(2) ?? [])
    );
  });
