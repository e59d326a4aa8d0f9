import type { Column, RunOutputs } from './protocol';
import { fileKey } from './model-files';
import type { ServedFile } from './model-files';

/** Typed columns of some rows, by input name. */
export interface Batch {
  readonly rows: number;
  readonly columns: Readonly<Record<string, Column>>;
}

export interface PendingRun {
  readonly batch: Batch;
  readonly resolve: (outputs: RunOutputs) => void;
  readonly reject: (error: unknown) => void;
  /** Runs of its own: a request that may have spoilt a shared run. */
  alone: boolean;
  /** Was under way when its runner died; is tried once more, not twice. */
  retried: boolean;
}

/** Rows that one run takes at most when requests are put together. */
const MAX_ROWS_PER_RUN = 8192;

/** The waiting line of one model version: one run at a time, and everything that waits goes into the next. */
export class Lane {
  readonly key: string;
  waiting: PendingRun[] = [];
  running = false;
  path: string | null = null;

  constructor(readonly file: ServedFile) {
    this.key = fileKey(file);
  }

  get waitingRows(): number {
    return this.waiting.reduce((sum, pending) => sum + pending.batch.rows, 0);
  }

  /** Takes the requests of the next run off the line. */
  take(): PendingRun[] {
    const first = this.waiting.shift();
    if (first === undefined) return [];
    if (first.alone) return [first];
    const taken = [first];
    let rows = first.batch.rows;
    while (this.waiting[0] !== undefined && !this.waiting[0].alone) {
      rows += this.waiting[0].batch.rows;
      if (rows > MAX_ROWS_PER_RUN) break;
      taken.push(this.waiting.shift() as PendingRun);
    }
    return taken;
  }
}

/** One batch of many, column by column. All batches have the same columns of the same types. */
export const joinBatches = (batches: readonly Batch[]): Batch => {
  const first = batches[0];
  if (batches.length === 1) return first;
  const rows = batches.reduce((sum, batch) => sum + batch.rows, 0);
  const columns: Record<string, Column> = Object.create(null) as Record<string, Column>;
  for (const [name, example] of Object.entries(first.columns)) {
    const parts = batches.map((batch) => batch.columns[name]);
    columns[name] = joinColumns(example, parts, rows);
  }
  return { rows, columns: { ...columns } };
};

const joinColumns = (example: Column, parts: readonly Column[], rows: number): Column => {
  if (Array.isArray(example)) return (parts as string[][]).flat();
  if (example instanceof Float64Array) {
    const joined = new Float64Array(rows);
    let at = 0;
    for (const part of parts as Float64Array[]) {
      joined.set(part, at);
      at += part.length;
    }
    return joined;
  }
  const joined = new BigInt64Array(rows);
  let at = 0;
  for (const part of parts as BigInt64Array[]) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
};

/** Each request's own part of a shared run; compute time is shared by rows, to the nanosecond. */
export const splitOutputs = (outputs: RunOutputs, batches: readonly Batch[]): RunOutputs[] => {
  if (batches.length === 1) return [outputs];
  const rows = BigInt(batches.reduce((sum, batch) => sum + batch.rows, 0));
  let from = 0;
  return batches.map((batch) => {
    const to = from + batch.rows;
    const share = (outputs.computeNs * BigInt(to)) / rows - (outputs.computeNs * BigInt(from)) / rows;
    const part: RunOutputs = {
      prediction: outputs.prediction.slice(from, to),
      probabilities: outputs.probabilities?.slice(from * outputs.classes, to * outputs.classes) ?? null,
      classes: outputs.classes,
      computeNs: share,
    };
    from = to;
    return part;
  });
};
