/** The whole loop on one file, over the public API: from raw data to an invoice preview. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type {
  ComparisonAnswer,
  DatasetVersionAnswer,
  EpochAnswer,
  GoldenAnswer,
  InvoiceAnswer,
  JobAnswer,
  JobProgressAnswer,
  ModelVersionAnswer,
  PredictAnswer,
  UsageDayAnswer,
} from './answers';
import { ApiError } from './client';
import type { Client } from './client';
import type { LearningTask } from '../../../contracts';
import { guessTaskOf } from './guess-task';
import * as operation from './operations';
import type { Terminal } from './terminal';
import {
  historyLine,
  showComparison,
  showData,
  showInvoice,
  showModel,
  showPredictions,
  sparklines,
} from './show';

export interface LoopInput {
  readonly file: string;
  readonly target: string;
  readonly scenario: { readonly name: string; readonly template?: string };
  readonly task?: LearningTask;
  readonly predictions: number;
  /** Rows that came after the file: predicted with the deployed model, then their outcome is told. */
  readonly arrivals?: readonly { readonly inputs: RawRow; readonly truth: string | number }[];
}

type RawRow = Readonly<Record<string, string | number | null>>;

export interface PredictionWithTruth {
  readonly inputs: RawRow;
  readonly prediction: string | number;
  readonly truth: string | number | null;
}

export interface LoopResult {
  readonly scenarioId: string;
  readonly dataset: DatasetVersionAnswer;
  readonly model: ModelVersionAnswer;
  readonly predictions: readonly PredictionWithTruth[];
  readonly comparison: ComparisonAnswer | null;
  readonly retrained: ModelVersionAnswer;
  readonly usage: readonly UsageDayAnswer[];
  readonly invoice: InvoiceAnswer;
}

const FORMATS: Readonly<Record<string, string>> = {
  '.csv': 'csv',
  '.txt': 'csv',
  '.tsv': 'tsv',
  '.tab': 'tsv',
  '.jsonl': 'jsonl',
  '.ndjson': 'jsonl',
  '.parquet': 'parquet',
};

export const formatOf = (file: string): string => {
  const format = FORMATS[extname(file).toLowerCase()];
  if (format === undefined)
    throw new Error(`unknown file type ${extname(file)}; one of: ${Object.keys(FORMATS).join(', ')}`);
  return format;
};

const sha256Of = async (file: string): Promise<string> => {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
};

const failed = ({ code, message, hint }: { code: string; message: string; hint: string | null }): never => {
  throw new ApiError(message, code, hint);
};

class Loop {
  constructor(
    private readonly client: Client,
    private readonly ui: Terminal,
  ) {}

  async seal(input: LoopInput, scenarioId: string, format: string): Promise<DatasetVersionAnswer> {
    const { size } = await stat(input.file);
    const { declareDataset: declared } = await this.client.run<{
      declareDataset: { version: { id: string }; upload: { url: string } };
    }>(operation.DECLARE_DATASET, {
      input: {
        scenarioId,
        name: 'data',
        format,
        sizeBytes: String(size),
        sha256: await sha256Of(input.file),
        target: input.target,
      },
    });
    const { id } = declared.version;
    const progress = this.client.subscribe<{
      datasetProgress: { phase: string | null; fraction: number; version: { state: string } };
    }>(operation.DATASET_PROGRESS, { versionId: id });
    const uploaded = this.client.upload(declared.upload.url, input.file);
    // A refused upload ends the wait below with its own reason.
    const watched = (async () => {
      for await (const { datasetProgress: seen } of progress) {
        this.ui.progress(seen.fraction, seen.phase ?? seen.version.state);
        if (['SEALED', 'REJECTED', 'DELETED'].includes(seen.version.state)) break;
      }
    })();
    await Promise.all([uploaded, watched]);
    const { datasetVersion } = await this.client.run<{ datasetVersion: DatasetVersionAnswer }>(
      operation.DATASET_VERSION,
      { id },
    );
    if (datasetVersion.error !== null) failed(datasetVersion.error);
    return datasetVersion;
  }

  async follow(jobId: string): Promise<JobAnswer> {
    const epochs: EpochAnswer[] = [];
    for await (const { jobProgress: seen } of this.client.subscribe<{ jobProgress: JobProgressAnswer }>(
      operation.JOB_PROGRESS,
      { jobId },
    )) {
      epochs.push(...seen.epochs);
      this.ui.progress(
        seen.fraction,
        [seen.phase ?? seen.job.state, seen.message, sparklines(epochs)].filter((part) => part).join('  '),
      );
      if (['SUCCEEDED', 'FAILED', 'CANCELED'].includes(seen.job.state)) break;
    }
    const { job } = await this.client.run<{ job: JobAnswer }>(operation.JOB, { id: jobId });
    if (job.error !== null) failed(job.error);
    this.showCurve(epochs);
    return job;
  }

  private showCurve(epochs: readonly EpochAnswer[]): void {
    const last = epochs.at(-1);
    if (last === undefined) return;
    this.ui.line(`  loss over ${epochs.length} epochs  ${sparklines(epochs)}`);
    this.ui.line(`  epoch ${last.epoch}  ${historyLine(last)}`);
  }

  async deploy(modelVersionId: string, name: string): Promise<string> {
    const { deployModel } = await this.client.run<{ deployModel: { id: string; state: string } }>(
      operation.DEPLOY,
      { modelVersionId, name },
    );
    if (deployModel.state !== 'READY') throw new Error(`the deployment is ${deployModel.state}`);
    return deployModel.id;
  }

  /** Predicts rows in one request and tells the platform what was true. */
  async predict(
    deploymentId: string,
    rows: readonly { readonly inputs: RawRow; readonly truth: string | number | null }[],
  ): Promise<PredictionWithTruth[]> {
    if (rows.length === 0) return [];
    const { predict } = await this.client.run<{ predict: PredictAnswer }>(operation.PREDICT, {
      deploymentId,
      rows: rows.map(({ inputs }) => inputs),
    });
    for (const [row, { truth }] of rows.entries()) {
      if (truth === null || truth === '') continue;
      await this.feedback(predict.id, row, truth);
      this.ui.progress((row + 1) / rows.length, 'feedback');
    }
    return rows.map((row, at) => ({ ...row, prediction: predict.outputs[at]?.prediction ?? '' }));
  }

  /** The prediction log arrives through the stream: the first feedback may come a moment too early. */
  private async feedback(predictionId: string, row: number, actual: string | number): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      try {
        await this.client.run(operation.SUBMIT_FEEDBACK, { predictionId, row, actual });
        return;
      } catch (error) {
        if (!(error instanceof ApiError) || error.code !== 'NOT_FOUND' || attempt === 50) throw error;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }
}

/** An address is unique within the tenant: the scenario's name, and the end of its id. */
const addressOf = (scenario: string, id: string): string =>
  `${scenario
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 40)}-${id.slice(-6)}`;

/** Rows that no training saw, with what was true. */
const heldOutRows = async (
  model: ModelVersionAnswer,
  count: number,
): Promise<{ inputs: RawRow; truth: string | number | null }[]> => {
  const golden = (await (await fetch(model.goldenUrl)).json()) as GoldenAnswer;
  return golden.rows.slice(0, count).map((inputs, at) => ({ inputs, truth: golden.actuals?.[at] ?? null }));
};

/** Plays every station once and answers what came of it. Fails with the platform's own code and hint. */
export const playLoop = async (client: Client, input: LoopInput, ui: Terminal): Promise<LoopResult> => {
  const loop = new Loop(client, ui);
  const from = new Date(Math.floor(Date.now() / 86_400_000) * 86_400_000);
  const format = formatOf(input.file);
  const task = input.task ?? (await guessTaskOf(input.file, format, input.target));

  ui.step(`scenario «${input.scenario.name}»: ${task} of ${input.target}`);
  const { createScenario: scenario } = await client.run<{ createScenario: { id: string } }>(
    operation.CREATE_SCENARIO,
    {
      input: { ...input.scenario, task, target: input.target },
    },
  );

  ui.step('data: upload, validate, profile, seal');
  const dataset = await loop.seal(input, scenario.id, format);
  showData(ui, dataset);

  ui.step('training');
  const { startTraining } = await client.run<{ startTraining: { id: string } }>(operation.START_TRAINING, {
    input: { datasetVersionId: dataset.id },
  });
  const { modelVersion: model } = await loop.follow(startTraining.id);
  if (model === null) throw new Error('the job succeeded without a model version');
  showModel(ui, model);

  ui.step('deployment and predictions, on held-out rows');
  const deploymentId = await loop.deploy(model.id, addressOf(input.scenario.name, scenario.id));
  const predictions = await loop.predict(deploymentId, await heldOutRows(model, input.predictions));
  showPredictions(ui, predictions, input.target);

  ui.step('feedback and retraining');
  await loop.predict(deploymentId, input.arrivals ?? []);
  const quality = await client.run<{ quality: { rows: number; metrics: Record<string, number | null> } }>(
    operation.QUALITY,
    { scenarioId: scenario.id },
  );
  ui.line(`  feedback on ${quality.quality.rows} rows`);
  const { retrain } = await client.run<{ retrain: { id: string } }>(operation.RETRAIN, {
    scenarioId: scenario.id,
  });
  const retrained = await loop.follow(retrain.id);
  if (retrained.modelVersion === null) throw new Error('the retrain succeeded without a model version');
  showComparison(ui, retrained.comparison);

  ui.step('usage and invoice preview');
  const to = new Date(Date.now() + 60_000);
  const { usage } = await client.run<{ usage: { days: UsageDayAnswer[] } }>(operation.USAGE, {
    from,
    to,
    scenarioId: scenario.id,
  });
  const { invoicePreview: invoice } = await client.run<{ invoicePreview: InvoiceAnswer }>(
    operation.INVOICE_PREVIEW,
    { from, to },
  );
  showInvoice(ui, invoice);

  return {
    scenarioId: scenario.id,
    dataset,
    model,
    predictions,
    comparison: retrained.comparison,
    retrained: retrained.modelVersion,
    usage: usage.days,
    invoice,
  };
};
