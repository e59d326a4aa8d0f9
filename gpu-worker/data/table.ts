import type { ColumnSpec } from '../../contracts';

/** A sealed dataset in memory, column by column; every array has `rows` entries, in file order. */
export interface Table {
  readonly rows: number;
  readonly columns: readonly Column[];
  /** 1 = held out: never enters any training. */
  readonly holdout: Uint8Array;
}

export type Column =
  | {
      readonly spec: ColumnSpec & { type: 'number' };
      readonly kind: 'number';
      /** NaN = missing. */ readonly values: Float64Array;
    }
  | {
      readonly spec: ColumnSpec & { type: 'time' };
      readonly kind: 'time';
      /** Epoch microseconds, NaN = missing. */ readonly values: Float64Array;
    }
  | {
      readonly spec: ColumnSpec & { type: 'category' | 'text' };
      readonly kind: 'category' | 'text';
      /** Index into `dictionary`, -1 = missing. */
      readonly codes: Int32Array;
      readonly dictionary: readonly string[];
    };
