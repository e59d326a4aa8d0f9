// Written by codegen.mjs: change operations.graphql instead.
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> =
  T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
/** A template brings name, task, target and notes; what is given here wins. */
export type CreateScenarioInput = {
  /** ISO 4217; EUR when left out. */
  readonly currency?: string | null | undefined;
  readonly description?: string | null | undefined;
  /** Of a classification: {falsePositive, falseNegative}, or {matrix: [truth][decided]} over all classes. */
  readonly errorCosts?: Json | null | undefined;
  readonly goalMetric?: string | null | undefined;
  readonly name?: string | null | undefined;
  readonly predictionLog?: PredictionLogPolicyInput | null | undefined;
  readonly priceNote?: string | null | undefined;
  readonly target?: string | null | undefined;
  readonly task?: LearningTask | null | undefined;
  /** An id of scenarioTemplates. */
  readonly template?: string | null | undefined;
  readonly valueNote?: string | null | undefined;
};

export type DataFormat = 'csv' | 'jsonl' | 'parquet' | 'tsv' | 'zip';

export type DatasetVersionState = 'DECLARED' | 'DELETED' | 'REJECTED' | 'SEALED' | 'UPLOADED' | 'VALIDATING';

export type DatasetWarningCode =
  | 'CONSTANT_COLUMN'
  | 'DUPLICATE_ROWS'
  | 'FREE_TEXT'
  | 'HIGH_CARDINALITY'
  | 'IDENTIFIER_COLUMN'
  | 'IMBALANCED_TARGET'
  | 'LEAKING_COLUMN'
  | 'LONG_TEXT'
  | 'MIXED_VALUES'
  | 'MOSTLY_MISSING'
  | 'NEAR_DUPLICATE_COLUMN'
  | 'TARGET_MISSING_ROWS';

export type DeclareDatasetInput = {
  /** Columns that no training may use. */
  readonly exclude?: ReadonlyArray<string> | null | undefined;
  readonly format: DataFormat;
  /** 0 to 0.5; default 0.2. */
  readonly holdoutFraction?: number | null | undefined;
  /** A column: rows of one value of it are held out together, so that models are judged on new groups. */
  readonly holdoutGroup?: string | null | undefined;
  /** A name that is there already gives the next version of that dataset. */
  readonly name: string;
  readonly scenarioId: string;
  /** Columns by which people must not be treated differently: fairness is judged by them. */
  readonly sensitive?: ReadonlyArray<string> | null | undefined;
  /** Of the file; checked when it has arrived. */
  readonly sha256?: string | null | undefined;
  /** Of the file that will be uploaded. */
  readonly sizeBytes: string | number;
  /** Default: the scenario's. */
  readonly target?: string | null | undefined;
  /** Default: the scenario's. */
  readonly task?: LearningTask | null | undefined;
};

export type DeploymentState = 'FAILED' | 'READY' | 'STARTING' | 'STOPPED';

/** Where a model is trained. */
export type Device = 'cpu' | 'cuda' | 'webgpu';

export type JobState = 'CANCELED' | 'FAILED' | 'QUEUED' | 'RUNNING' | 'SUCCEEDED';

/** What kind of answer a model gives. */
export type LearningTask =
  'anomaly' | 'classification' | 'clustering' | 'forecast' | 'regression' | 'synthesis';

export type Phase =
  'EVALUATING' | 'EXPORTING' | 'FETCHING' | 'PREPARING' | 'TRAINING' | 'TUNING' | 'VERIFYING';

export type PredictionLogPolicyInput = {
  readonly enabled?: boolean | null | undefined;
  readonly leftOut?: ReadonlyArray<string> | null | undefined;
  readonly retentionDays?: number | null | undefined;
  readonly sampling?: number | null | undefined;
};

export type StartTrainingInput = {
  readonly budget?: TrainingBudgetInput | null | undefined;
  readonly datasetVersionId: string;
  /** Default: what the worker has. */
  readonly device?: Device | null | undefined;
  /** Versions of one name follow one another. Default: default. */
  readonly modelName?: string | null | undefined;
  /** Same data, spec and seed give the same model. Default 1. */
  readonly seed?: number | null | undefined;
  /** {"family": ...} and its options (docs/training.md); default {"family": "auto"}. */
  readonly spec?: Json | null | undefined;
};

/** Hard limits; what is left out does not limit. */
export type TrainingBudgetInput = {
  /** What the training time is charged at most, over all workers, in billionths of the plan's currency. It is planned with the prices at the start, and holds at those of the end. */
  readonly amountNano?: string | null | undefined;
  /** Wall-clock, from the first step of the training to its model, 1 to 604800. An automatic training has 60 where nothing is said here or in its spec. Time beyond is not charged, and a training that has no model by then fails with BUDGET_SPENT. */
  readonly seconds?: number | null | undefined;
  /** Trials of an automatic training, 1 to 10000; any other is one trial. */
  readonly trials?: number | null | undefined;
};

export type CreateScenarioMutationVariables = Exact<{
  input: CreateScenarioInput;
}>;

export type CreateScenarioMutation = {
  readonly createScenario: {
    readonly id: string;
    readonly name: string;
    readonly target: string | null;
    readonly task: LearningTask;
  };
};

export type DeclareDatasetMutationVariables = Exact<{
  input: DeclareDatasetInput;
}>;

export type DeclareDatasetMutation = {
  readonly declareDataset: {
    readonly version: { readonly id: string };
    readonly upload: { readonly url: string; readonly method: string; readonly headers: Json };
  };
};

export type DatasetProgressSubscriptionVariables = Exact<{
  versionId: string;
}>;

export type DatasetProgressSubscription = {
  readonly datasetProgress: {
    readonly phase: Phase | null;
    readonly version: {
      readonly state: DatasetVersionState;
      readonly rows: string | null;
      readonly holdoutRows: string | null;
      readonly error: {
        readonly code: string;
        readonly message: string;
        readonly hint: string | null;
      } | null;
      readonly warnings: ReadonlyArray<{
        readonly code: DatasetWarningCode;
        readonly column: string | null;
      }> | null;
    };
  };
};

export type StartTrainingMutationVariables = Exact<{
  input: StartTrainingInput;
}>;

export type StartTrainingMutation = { readonly startTraining: { readonly id: string } };

export type JobProgressSubscriptionVariables = Exact<{
  jobId: string;
}>;

export type JobProgressSubscription = {
  readonly jobProgress: {
    readonly phase: Phase | null;
    readonly fraction: number;
    readonly message: string | null;
    readonly epochs: ReadonlyArray<{
      readonly epoch: number;
      readonly loss: number;
      readonly valLoss: number | null;
    }>;
  };
};

export type JobQueryVariables = Exact<{
  id: string;
}>;

export type JobQuery = {
  readonly job: {
    readonly state: JobState;
    readonly error: { readonly code: string; readonly message: string; readonly hint: string | null } | null;
    readonly modelVersion: {
      readonly id: string;
      readonly number: number;
      readonly trainRows: number;
      readonly testRows: number;
      readonly trainingMs: number;
      readonly onnxSha256: string;
      readonly onnxSizeBytes: string;
      readonly metrics: { readonly test: Json; readonly baseline: Json };
    } | null;
  };
};

export type DeployModelMutationVariables = Exact<{
  modelVersionId: string;
  name: string;
}>;

export type DeployModelMutation = {
  readonly deployModel: {
    readonly id: string;
    readonly state: DeploymentState;
    readonly revisions: ReadonlyArray<{
      readonly failureCode: string | null;
      readonly failureMessage: string | null;
    }>;
  };
};

export type PredictQueryVariables = Exact<{
  deploymentId: string;
  rows: ReadonlyArray<Json> | Json;
  requestId?: string | null | undefined;
}>;

export type PredictQuery = {
  readonly predict: {
    readonly id: string;
    readonly outputs: ReadonlyArray<{ readonly prediction: Json | null }>;
  };
};

export type SubmitFeedbackMutationVariables = Exact<{
  predictionId: string;
  row: number;
  actual: Json;
}>;

export type SubmitFeedbackMutation = {
  readonly submitFeedback: { readonly predicted: Json; readonly actual: Json };
};

export type QualityQueryVariables = Exact<{
  scenarioId: string;
}>;

export type QualityQuery = { readonly quality: { readonly rows: number; readonly metrics: Json } };

export type UsageQueryVariables = Exact<{
  scenarioId: string;
  from: string;
  to: string;
}>;

export type UsageQuery = {
  readonly usage: {
    readonly days: ReadonlyArray<{
      readonly day: string;
      readonly meter: string;
      readonly quantity: string;
      readonly events: string;
      readonly reason: string;
    }>;
  };
};

export type InvoicePreviewQueryVariables = Exact<{ [key: string]: never }>;

export type InvoicePreviewQuery = {
  readonly invoicePreview: {
    readonly plan: string;
    readonly currency: string;
    readonly total: string;
    readonly lines: ReadonlyArray<{
      readonly meter: string;
      readonly quantity: string;
      readonly charged: boolean;
      readonly amountNano: string;
    }>;
  };
};

export interface Operations {
  CreateScenario: { variables: CreateScenarioMutationVariables; data: CreateScenarioMutation };
  DeclareDataset: { variables: DeclareDatasetMutationVariables; data: DeclareDatasetMutation };
  DatasetProgress: { variables: DatasetProgressSubscriptionVariables; data: DatasetProgressSubscription };
  StartTraining: { variables: StartTrainingMutationVariables; data: StartTrainingMutation };
  JobProgress: { variables: JobProgressSubscriptionVariables; data: JobProgressSubscription };
  Job: { variables: JobQueryVariables; data: JobQuery };
  DeployModel: { variables: DeployModelMutationVariables; data: DeployModelMutation };
  Predict: { variables: PredictQueryVariables; data: PredictQuery };
  SubmitFeedback: { variables: SubmitFeedbackMutationVariables; data: SubmitFeedbackMutation };
  Quality: { variables: QualityQueryVariables; data: QualityQuery };
  Usage: { variables: UsageQueryVariables; data: UsageQuery };
  InvoicePreview: { variables: InvoicePreviewQueryVariables; data: InvoicePreviewQuery };
}

export const documents: Readonly<Record<keyof Operations, string>> = {
  CreateScenario:
    'mutation CreateScenario($input: CreateScenarioInput!) {\n  createScenario(input: $input) {\n    id\n    name\n    target\n    task\n  }\n}',
  DeclareDataset:
    'mutation DeclareDataset($input: DeclareDatasetInput!) {\n  declareDataset(input: $input) {\n    version {\n      id\n    }\n    upload {\n      url\n      method\n      headers\n    }\n  }\n}',
  DatasetProgress:
    'subscription DatasetProgress($versionId: ID!) {\n  datasetProgress(versionId: $versionId) {\n    phase\n    version {\n      state\n      rows\n      holdoutRows\n      error {\n        code\n        message\n        hint\n      }\n      warnings {\n        code\n        column\n      }\n    }\n  }\n}',
  StartTraining:
    'mutation StartTraining($input: StartTrainingInput!) {\n  startTraining(input: $input) {\n    id\n  }\n}',
  JobProgress:
    'subscription JobProgress($jobId: ID!) {\n  jobProgress(jobId: $jobId) {\n    phase\n    fraction\n    message\n    epochs {\n      epoch\n      loss\n      valLoss\n    }\n  }\n}',
  Job: 'query Job($id: ID!) {\n  job(id: $id) {\n    state\n    error {\n      code\n      message\n      hint\n    }\n    modelVersion {\n      id\n      number\n      trainRows\n      testRows\n      trainingMs\n      onnxSha256\n      onnxSizeBytes\n      metrics {\n        test\n        baseline\n      }\n    }\n  }\n}',
  DeployModel:
    'mutation DeployModel($modelVersionId: ID!, $name: String!) {\n  deployModel(modelVersionId: $modelVersionId, name: $name) {\n    id\n    state\n    revisions {\n      failureCode\n      failureMessage\n    }\n  }\n}',
  Predict:
    'query Predict($deploymentId: ID!, $rows: [JSON!]!, $requestId: String) {\n  predict(deploymentId: $deploymentId, rows: $rows, requestId: $requestId) {\n    id\n    outputs {\n      prediction\n    }\n  }\n}',
  SubmitFeedback:
    'mutation SubmitFeedback($predictionId: ID!, $row: Int!, $actual: JSON!) {\n  submitFeedback(predictionId: $predictionId, row: $row, actual: $actual) {\n    predicted\n    actual\n  }\n}',
  Quality:
    'query Quality($scenarioId: ID!) {\n  quality(scenarioId: $scenarioId) {\n    rows\n    metrics\n  }\n}',
  Usage:
    'query Usage($scenarioId: ID!, $from: DateTimeISO!, $to: DateTimeISO!) {\n  usage(scenarioId: $scenarioId, from: $from, to: $to) {\n    days {\n      day\n      meter\n      quantity\n      events\n      reason\n    }\n  }\n}',
  InvoicePreview:
    'query InvoicePreview {\n  invoicePreview {\n    plan\n    currency\n    total\n    lines {\n      meter\n      quantity\n      charged\n      amountNano\n    }\n  }\n}',
};
