/** What a tenant does, through the API: declare, upload, train, deploy, predict. */
import { statSync } from 'node:fs';
import { ApiError } from '../src/embedded/loop/client';
import type { Client } from '../src/embedded/loop/client';

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What a caller may meet while parts of the platform are away, and should try again. */
const PASSING = ['UNAVAILABLE', 'METER_UNAVAILABLE', 'OVERLOADED', 'RATE_LIMITED'];

/** The gateway itself is away: no answer, half an answer. */
const isNoAnswer = (error: unknown): boolean => !(error instanceof ApiError);

export const isPassing = (error: unknown): boolean =>
  isNoAnswer(error) || (error instanceof ApiError && PASSING.includes(error.code));

/** Tries again while what is in the way may pass. Rejects with the last failure after `patienceMs`. */
export const patiently = async <T>(work: () => Promise<T>, patienceMs = 60_000): Promise<T> => {
  const until = Date.now() + patienceMs;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isPassing(error) || Date.now() > until) throw error;
      await sleep(100);
    }
  }
};

const until = async <T>(
  look: () => Promise<T | undefined>,
  what: string,
  patienceMs = 120_000,
): Promise<T> => {
  const end = Date.now() + patienceMs;
  for (;;) {
    const found = await patiently(look);
    if (found !== undefined) return found;
    if (Date.now() > end) throw new Error(`${what} did not come to an end within ${patienceMs / 1000} s`);
    await sleep(50);
  }
};

/** A key makes the repeat of a mutation whose answer was lost harmless. */
const mutate = <T>(client: Client, document: string, variables: Record<string, unknown>, key: string) =>
  patiently(() => client.run<T>(document, variables, key));

let made = 0;
export const newKey = (): string => `work-${process.pid}-${Date.now()}-${made++}`;

export const createScenario = async (client: Client, name: string, target: string): Promise<string> => {
  const { createScenario: scenario } = await mutate<{ createScenario: { id: string } }>(
    client,
    `mutation CreateScenario($input: CreateScenarioInput!) { createScenario(input: $input) { id } }`,
    { input: { name, target, task: 'regression' } },
    newKey(),
  );
  return scenario.id;
};

export interface DatasetChoices {
  readonly scenarioId: string;
  readonly name?: string;
  readonly path: string;
  readonly format?: 'csv' | 'parquet';
  readonly holdoutFraction?: number;
}

/** Uploads a file and waits until it is sealed. Fails with what it was rejected for. */
export const sealDataset = async (client: Client, choices: DatasetChoices): Promise<string> => {
  const { scenarioId, name = 'rows', path, format = 'csv', holdoutFraction } = choices;
  const { declareDataset: declared } = await mutate<{
    declareDataset: { version: { id: string }; upload: { url: string } };
  }>(
    client,
    `mutation DeclareDataset($input: DeclareDatasetInput!) {
       declareDataset(input: $input) { version { id } upload { url } }
     }`,
    {
      input: {
        scenarioId,
        name,
        format,
        sizeBytes: String(statSync(path).size),
        ...(holdoutFraction === undefined ? {} : { holdoutFraction }),
      },
    },
    newKey(),
  );
  const { id } = declared.version;
  await patiently(() => client.upload(declared.upload.url, path));
  return until(async () => {
    const { datasetVersion: version } = await client.run<{
      datasetVersion: { state: string; error: { code: string; message: string } | null };
    }>(`query Version($id: ID!) { datasetVersion(id: $id) { state error { code message } } }`, { id });
    if (version.state === 'REJECTED')
      throw new ApiError(version.error?.message ?? 'rejected', version.error?.code ?? 'INTERNAL', null);
    return version.state === 'SEALED' ? id : undefined;
  }, `dataset version ${id}`);
};

export interface TrainingChoices {
  readonly datasetVersionId: string;
  readonly spec: unknown;
  readonly seed?: number;
}

export const startTraining = async (client: Client, choices: TrainingChoices): Promise<string> => {
  const { startTraining: job } = await mutate<{ startTraining: { id: string } }>(
    client,
    `mutation StartTraining($input: StartTrainingInput!) { startTraining(input: $input) { id } }`,
    { input: choices },
    newKey(),
  );
  return job.id;
};

export interface EndedJob {
  readonly state: string;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly modelVersion: { readonly id: string } | null;
}

export const jobEnd = (client: Client, jobId: string): Promise<EndedJob> =>
  until(async () => {
    const { job } = await client.run<{ job: EndedJob }>(
      `query Job($id: ID!) { job(id: $id) { state error { code message } modelVersion { id } } }`,
      { id: jobId },
    );
    return ['SUCCEEDED', 'FAILED', 'CANCELED'].includes(job.state) ? job : undefined;
  }, `job ${jobId}`);

/** Id of the model version that the training made. */
export const train = async (client: Client, choices: TrainingChoices): Promise<string> => {
  const job = await jobEnd(client, await startTraining(client, choices));
  if (job.modelVersion === null)
    throw new Error(`training ended ${job.state}: ${job.error?.code ?? ''} ${job.error?.message ?? ''}`);
  return job.modelVersion.id;
};

/** Id of a deployment that answers. */
export const deploy = async (client: Client, modelVersionId: string, name: string): Promise<string> => {
  const { deployModel: made } = await mutate<{ deployModel: { id: string; state: string } }>(
    client,
    `mutation Deploy($modelVersionId: ID!, $name: String!) {
       deployModel(modelVersionId: $modelVersionId, name: $name) { id state }
     }`,
    { modelVersionId, name },
    newKey(),
  );
  return made.id;
};

export interface Answered {
  readonly id: string;
  readonly outputs: readonly { readonly prediction: number | string }[];
}

export const predict = async (
  client: Client,
  deploymentId: string,
  rows: readonly Record<string, unknown>[],
  requestId?: string,
): Promise<Answered> => {
  const { predict: answer } = await client.run<{ predict: Answered }>(
    `query Predict($deploymentId: ID!, $rows: [JSON!]!, $requestId: String) {
       predict(deploymentId: $deploymentId, rows: $rows, requestId: $requestId, onUnknownCategory: USE_OTHER) {
         id outputs { prediction }
       }
     }`,
    { deploymentId, rows, requestId: requestId ?? null },
  );
  return answer;
};
