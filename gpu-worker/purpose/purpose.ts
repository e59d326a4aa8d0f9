/** What a model is for: everything that differs from task to task between a table and a verified file. */
import type {
  Comparison,
  EvaluationReport,
  GoldenRows,
  MetricsBySplit,
  ModelManifest,
  ModelSignature,
  ModelSpec,
} from '../../contracts';
import type { Value } from '../../onnx';
import type { Column, Table } from '../data/table';
import type { Sections } from '../evaluate/budget';
import type { Findings } from '../evaluate/report';
import type { Served } from '../export/served';
import type { Trained } from '../family/trained';
import type { Split } from '../prepare/split';
import type { Target } from '../prepare/target';
import type { RowOrder } from '../prepare/window';
import type { TrainRequest } from '../train/train-table';

/** A table as its task reads it: what may be learned from, what is asked for, which rows teach and which judge. */
export interface Problem {
  readonly table: Table;
  readonly columns: readonly Column[];
  readonly target: Target;
  readonly split: Split;
  /** Which rows follow each other, where models read windows of them. */
  readonly order?: RowOrder;
  /**
   * How good a trained model is, and what its file must answer. `leftMs`: until all of the task must be over; left out: no
   * end is set.
   */
  judge(trained: Trained, signal: AbortSignal, leftMs?: () => number): Promise<Judged>;
}

export interface Judged {
  readonly metrics: MetricsBySplit;
  /** From `Trained.output` to the outputs of the sealed file. */
  answer(output: Value): Readonly<Record<string, Value>>;
  readonly signature: Omit<ModelSignature, 'v' | 'task' | 'target' | 'inputs'>;
  /** Rows on which the file is compared with the trainer: the held-out ones where there are any. */
  readonly checked: Int32Array;
  /** `served`: of `checked`. Throws VERIFY_FAILED. */
  verify(served: Served): ModelManifest['verified'];
  /** The golden rows' answers and truth; `positions` are places in `checked`. */
  golden(served: Served, positions: readonly number[]): Omit<GoldenRows, 'v' | 'rows'>;
  /** Both of the held-out rows; null where they cannot be compared. */
  compare(champion: Served, challenger: Served): Comparison | null;
  /** The report of the file, once it is verified, but for what it leaves out by `sections`. `served`: of `checked`. */
  evaluate?(onnx: Uint8Array, served: Served, sections: Sections): Promise<EvaluationReport>;
  /** Tasks without `evaluate`: what is found on held-out rows, for the basic report; asked only where there are any. */
  findings?(signal: AbortSignal): Promise<Findings>;
  /** What else the manifest says of a model of this task. */
  readonly manifest: Partial<Pick<ModelManifest, 'calibration' | 'costs' | 'conformal' | 'forecast'>>;
}

/** Throws what is wrong with the table or the request, with the code of contracts/failure.ts. */
export type Pose = (table: Table, request: TrainRequest, spec: ModelSpec) => Problem;
