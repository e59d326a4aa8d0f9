/** What the operations of the loop answer. */

export interface Problem {
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
  readonly column?: string | null;
}

export interface DatasetVersionAnswer {
  readonly id: string;
  readonly state: string;
  readonly task: 'regression' | 'classification' | null;
  readonly target: string;
  readonly rows: string | null;
  readonly holdoutRows: string | null;
  readonly sizeBytes: string | null;
  readonly sha256: string | null;
  readonly holdout: { readonly kind: string; readonly column?: string } | null;
  readonly error: Problem | null;
  readonly profile:
    | {
        readonly name: string;
        readonly type: string;
        readonly missing: number;
        readonly distinct: number;
        readonly mean: number | null;
        readonly targetAssociation: number | null;
      }[]
    | null;
  readonly warnings:
    { readonly code: string; readonly column: string | null; readonly message: string }[] | null;
}

export type MetricValues = Readonly<Record<string, number | null>>;

export interface ModelVersionAnswer {
  readonly id: string;
  readonly number: number;
  readonly task: 'regression' | 'classification';
  readonly chosen: Readonly<Record<string, unknown>>;
  readonly metrics: Readonly<Record<'train' | 'validation' | 'test' | 'baseline', MetricValues>>;
  readonly trainRows: number;
  readonly validationRows: number;
  readonly testRows: number;
  readonly trainingMs: number;
  readonly onnxSha256: string;
  readonly onnxSizeBytes: string;
  readonly goldenUrl: string;
  readonly engine: { readonly name: string; readonly device: string; readonly version: string };
}

export interface ComparisonAnswer {
  readonly metric: string;
  readonly rows: number;
  readonly champion: number;
  readonly challenger: number;
  readonly difference: number;
  readonly low: number;
  readonly high: number;
  readonly better: string;
}

export interface JobAnswer {
  readonly id: string;
  readonly state: string;
  readonly error: Problem | null;
  readonly comparison: ComparisonAnswer | null;
  readonly modelVersion: ModelVersionAnswer | null;
}

export interface EpochAnswer {
  readonly epoch: number;
  readonly loss: number;
  readonly valLoss: number | null;
  readonly mae: number | null;
  readonly valMae: number | null;
  readonly mse: number | null;
  readonly valMse: number | null;
  readonly accuracy: number | null;
  readonly valAccuracy: number | null;
}

export interface JobProgressAnswer {
  readonly phase: string | null;
  readonly fraction: number;
  readonly message: string | null;
  readonly job: { readonly state: string };
  readonly epochs: readonly EpochAnswer[];
}

export interface PredictAnswer {
  readonly id: string;
  readonly outputs: readonly {
    readonly prediction: number | string;
    readonly probabilities: readonly number[] | null;
  }[];
}

export interface UsageDayAnswer {
  readonly day: string;
  readonly meter: string;
  readonly reason: string;
  readonly quantity: string;
  readonly events: string;
}

export interface InvoiceAnswer {
  readonly plan: string;
  readonly currency: string;
  readonly total: string;
  readonly totalNano: string;
  readonly lines: readonly {
    readonly scenarioId: string | null;
    readonly meter: string;
    readonly reason: string;
    readonly charged: boolean;
    readonly quantity: string;
    readonly events: string;
    readonly amountNano: string;
    readonly price: { readonly amountNano: string; readonly perQuantity: string } | null;
  }[];
}

/** Some held-out rows of a version: raw values by column and what was true. */
export interface GoldenAnswer {
  readonly rows: readonly Readonly<Record<string, string | number | null>>[];
  readonly actuals?: readonly (string | number)[];
}
