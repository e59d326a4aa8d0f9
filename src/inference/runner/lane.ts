import type { Column, RunOutputs } from './protocol';
import { fileKey } from './model-files';
import type { ServedFile } from './model-files';

/** Typed columns of some rows, by input name; row-major [rows, window] where a row has several cells of a column. */
export interface Batch {
  readonly rows: number;
  readonly columns: Readonly<Record<string, Column>>;
}

export interface PendingRun {
  readonly batch: Batch;
  readonly weight: number;
  readonly resolve: (outputs: RunOutputs) => void;
  readonly reject: (error: unknown) => void;
  /** Runs of its own: a request that may have spoilt a shared run. */
  alone: boolean;
  /** Was under way when its runner died; is tried once more, not twice. */
  retried: boolean;
}

/** Rows of usual size that one run takes at most when requests are put together. */
const MAX_ROWS_PER_RUN = 8192;
const CELLS_OF_A_USUAL_ROW = 512;

/** How many rows of usual size a batch is like: rows with long windows are few to a run, and few may wait. */
export const weightOf = ({ rows, columns }: Batch): number => {
  const cells = Object.values(columns).reduce((sum, { length }) => sum + length, 0);
  return Math.max(rows, Math.ceil(cells / CELLS_OF_A_USUAL_ROW));
};

/** The waiting line of one model version: one run at a time, and everything that waits goes into the next. */
export class Lane {
  readonly key: string;
  waiting: PendingRun[] = [];
  running = false;
  path: string | null = null;

  constructor(readonly file: ServedFile) {
    this.key = fileKey(file);
  }

  get waitingWeight(): number {
    return this.waiting.reduce((sum, { weight }) => sum + weight, 0);
  }

  /** Takes the requests of the next run off the line. */
  take(): PendingRun[] {
    const first = this.waiting.shift();
    if (first === undefined) return [];
    if (first.alone) return [first];
    const taken = [first];
    let { weight } = first;
    while (this.waiting[0] !== undefined && !this.waiting[0].alone) {
      weight += this.waiting[0].weight;
      if (weight > MAX_ROWS_PER_RUN) break;
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
    columns[name] = joinColumns(example, parts);
  }
  return { rows, columns: { ...columns } };
};

const joinColumns = (example: Column, parts: readonly Column[]): Column => {
  if (Array.isArray(example)) return (parts as string[][]).flat();
  const cells = parts.reduce((sum, part) => sum + part.length, 0);
  if (example instanceof Float64Array) return filled(new Float64Array(cells), parts as Float64Array[]);
  return filled(new BigInt64Array(cells), parts as BigInt64Array[]);
};

const filled = <T extends Float64Array | BigInt64Array>(joined: T, parts: readonly T[]): T => {
  let at = 0;
  for (const part of parts) {
    (joined as { set(from: T, at: number): void }).set(part, at);
    at += part.length;
  }
  return joined;
};

/** Each request's own part of a shared run; compute time is shared by rows, to the nanosecond. */
export const splitOutputs = (outputs: RunOutputs, batches: readonly Batch[]): RunOutputs[] => {
  if (batches.length === 1) return [outputs];
  const rows = BigInt(outputs.rows);
  let from = 0;
  return batches.map((batch) => {
    const to = from + batch.rows;
    const share = (outputs.computeNs * BigInt(to)) / rows - (outputs.computeNs * BigInt(from)) / rows;
    const part: RunOutputs = {
      rows: batch.rows,
      outputs: Object.fromEntries(
        Object.entries(outputs.outputs).map(([name, { values, each }]) => [
          name,
          { values: values.slice(from * each, to * each), each },
        ]),
      ),
      computeNs: share,
    };
    from = to;
    return part;
  });
};
