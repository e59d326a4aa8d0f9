/** One tenant's hands on a platform: everything over GraphQL and signed URLs. */
import { createHash } from 'node:crypto';
import { startPlatform } from '../support/platform';
import type { GraphQLAnswer, PlatformOptions, TestPlatform } from '../support/platform';
import { addTenant } from '../support/tenant';

export type Row = Readonly<Record<string, string | number | null>>;

export interface Version {
  readonly id: string;
  readonly state: string;
  readonly rows: string;
  readonly holdoutRows: string;
  readonly error: { readonly code: string; readonly message: string } | null;
}

export interface Job {
  readonly id: string;
  readonly state: string;
  readonly datasetVersionId: string;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly comparison: Readonly<
    Record<'rows' | 'champion' | 'challenger' | 'difference' | 'low' | 'high', number>
  > | null;
  readonly modelVersion: Model | null;
}

export interface Model {
  readonly id: string;
  readonly trainRows: number;
  readonly validationRows: number;
  readonly testRows: number;
  readonly goldenUrl: string;
  readonly evaluationUrl: string | null;
  readonly cardUrl: string | null;
  readonly chosen: { readonly family: string };
  readonly metrics: Readonly<Record<'test' | 'baseline', Readonly<Record<string, number>>>>;
}

/** Of a job that made one. */
export const modelOf = ({ state, error, modelVersion }: Job): Model => {
  if (modelVersion === null) throw new Error(`${state} ${error?.code}: ${error?.message}`);
  return modelVersion;
};

const POLL_MS = 100;
const PATIENCE_MS = 60_000;

export const eventually = async <T>(
  read: () => Promise<T>,
  until: (value: T) => boolean,
  patienceMs = PATIENCE_MS,
): Promise<T> => {
  for (const from = Date.now(); ;) {
    const value = await read();
    if (until(value)) return value;
    if (Date.now() - from > patienceMs) throw new Error(`still ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
};

export class Partner {
  constructor(
    private readonly platform: TestPlatform,
    readonly key: string,
    private readonly patienceMs = PATIENCE_MS,
  ) {}

  run<T>(document: string, variables: Record<string, unknown> = {}): Promise<T> {
    return this.platform.run<T>(document, variables, this.key);
  }

  /** The answer as it came, errors included. */
  ask(document: string, variables: Record<string, unknown> = {}): Promise<GraphQLAnswer<unknown>> {
    return this.platform.graphql(document, variables, { credential: this.key });
  }

  async scenario(name: string, task = 'regression', target: string | null = 'price'): Promise<string> {
    const { createScenario } = await this.run<{ createScenario: { id: string } }>(
      `mutation ($input: CreateScenarioInput!) { createScenario(input: $input) { id } }`,
      { input: { name, task, target } },
    );
    return createScenario.id;
  }

  async declare(
    scenarioId: string,
    bytes: Buffer,
    set: Record<string, unknown> = {},
  ): Promise<{ versionId: string; url: string }> {
    const { declareDataset } = await this.run<{
      declareDataset: { version: { id: string }; upload: { url: string } };
    }>(
      `mutation ($input: DeclareDatasetInput!) { declareDataset(input: $input) { version { id } upload { url } } }`,
      {
        input: {
          scenarioId,
          name: 'data',
          format: 'csv',
          sizeBytes: bytes.length,
          sha256: createHash('sha256').update(bytes).digest('hex'),
          ...set,
        },
      },
    );
    return { versionId: declareDataset.version.id, url: declareDataset.upload.url };
  }

  async version(id: string): Promise<Version> {
    const { datasetVersion } = await this.run<{ datasetVersion: Version }>(
      `query ($id: ID!) { datasetVersion(id: $id) { id state rows holdoutRows error { code message } } }`,
      { id },
    );
    return datasetVersion;
  }

  settled(versionId: string): Promise<Version> {
    return eventually(
      () => this.version(versionId),
      ({ state }) => ['SEALED', 'REJECTED'].includes(state),
      this.patienceMs,
    );
  }

  /** Declares, uploads and waits. */
  async upload(scenarioId: string, bytes: Buffer, set: Record<string, unknown> = {}): Promise<Version> {
    const { versionId, url } = await this.declare(scenarioId, bytes, set);
    const answer = await fetch(url, { method: 'PUT', body: new Uint8Array(bytes) });
    if (!answer.ok) throw new Error(await answer.text());
    return this.settled(versionId);
  }

  async train(datasetVersionId: string, spec?: object, budget?: object): Promise<Job> {
    const { startTraining } = await this.run<{ startTraining: { id: string } }>(
      `mutation ($input: StartTrainingInput!) { startTraining(input: $input) { id } }`,
      { input: { datasetVersionId, spec, budget } },
    );
    return this.ended(startTraining.id);
  }

  async retrain(scenarioId: string, budget?: object): Promise<Job> {
    const { retrain } = await this.run<{ retrain: { id: string } }>(
      `mutation ($id: ID!, $budget: TrainingBudgetInput) { retrain(scenarioId: $id, budget: $budget) { id } }`,
      { id: scenarioId, budget },
    );
    return this.ended(retrain.id);
  }

  ended(id: string): Promise<Job> {
    return eventually(
      async () => {
        const { job } = await this.run<{ job: Job }>(
          `query ($id: ID!) { job(id: $id) {
             id state datasetVersionId startedAt finishedAt error { code message }
             comparison { rows champion challenger difference low high }
             modelVersion { id trainRows validationRows testRows goldenUrl evaluationUrl cardUrl chosen metrics { test baseline } }
           } }`,
          { id },
        );
        return job;
      },
      ({ state }) => ['SUCCEEDED', 'FAILED', 'CANCELED'].includes(state),
      this.patienceMs,
    );
  }

  async deploy(modelVersionId: string, name = 'live'): Promise<string> {
    const { deployModel } = await this.run<{ deployModel: { id: string; state: string } }>(
      `mutation ($id: ID!, $name: String!) { deployModel(modelVersionId: $id, name: $name) { id state } }`,
      { id: modelVersionId, name },
    );
    if (deployModel.state !== 'READY') throw new Error(`the deployment is ${deployModel.state}`);
    return deployModel.id;
  }

  async predict(deploymentId: string, rows: readonly Row[]): Promise<{ id: string; predictions: number[] }> {
    const { predict } = await this.run<{ predict: { id: string; outputs: { prediction: number }[] } }>(
      `query ($id: ID!, $rows: [JSON!]!) { predict(deploymentId: $id, rows: $rows) { id outputs { prediction } } }`,
      { id: deploymentId, rows },
    );
    return { id: predict.id, predictions: predict.outputs.map(({ prediction }) => prediction) };
  }

  async feedback(predictionId: string, row: number, actual: number): Promise<void> {
    await this.run(
      `mutation ($id: ID!, $row: Int!, $actual: JSON!) {
         submitFeedback(predictionId: $id, row: $row, actual: $actual) { revision }
       }`,
      { id: predictionId, row, actual },
    );
  }
}

export interface Partners {
  readonly platform: TestPlatform;
  readonly first: Partner;
  readonly second: Partner;
}

/** A platform of its own with two tenants. `patienceMs`: how long a partner waits for its data and its jobs. */
export const startPartners = async (options?: PlatformOptions, patienceMs?: number): Promise<Partners> => {
  const platform = await startPlatform(options);
  try {
    const { apiKey } = await addTenant(platform, 'second tenant');
    return {
      platform,
      first: new Partner(platform, platform.apiKey, patienceMs),
      second: new Partner(platform, apiKey, patienceMs),
    };
  } catch (error) {
    await platform.stop();
    throw error;
  }
};
