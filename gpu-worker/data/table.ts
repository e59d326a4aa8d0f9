import type { ColumnSpec } from '../../contracts';
import type { ImageSize } from '../../tabular';

/** A sealed dataset in memory, column by column; every array has `rows` entries, in file order. */
export interface Table {
  readonly rows: number;
  readonly columns: readonly Column[];
  /** Pictures stand apart: few parts know what to do with them. Absent where there are none. */
  readonly images?: readonly ImageColumn[];
  /** 1 = held out: never enters any training. */
  readonly holdout: Uint8Array;
}

export interface ImageColumn {
  readonly spec: ColumnSpec & { type: 'image' };
  readonly size: ImageSize;
  /** [rows, height, width, channels], 0 to 255; all zero where there is no picture. */
  readonly pixels: Uint8Array;
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
