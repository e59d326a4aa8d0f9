/** Examples on their way into a run: bounded in bytes whatever the data's size. */
import type { Column } from '../../../onnx';
import type { Device } from '../../../contracts';
import { float32, int32, uint8 } from '../../engine/onnxruntime';
import type { Feeds, Tensor } from '../../engine/onnxruntime';
import type { ColumnData, Rows } from './network';

/** What one run is fed of the data at most. */
export const MOST_FED_BYTES = 256 * 2 ** 20;

export const tensorOf = (data: ColumnData, dims: readonly number[]): Tensor => {
  if (data instanceof Float32Array) return float32(data, dims);
  return data instanceof Int32Array ? int32(data, dims) : uint8(data, dims);
};

interface Part {
  readonly name: string;
  readonly dims: readonly number[];
  readonly width: number;
  readonly data: ColumnData;
}

export class RowFeed {
  readonly bytesPerRow: number;
  private readonly parts: readonly Part[];
  /** The whole data, where it is small and reaching the device costs nothing: a run then picks its rows itself. */
  private readonly whole: Feeds | undefined;

  constructor(columns: Readonly<Record<string, Column>>, rows: Rows, device: Device) {
    this.parts = Object.entries(columns).map(([name, { dims }]) => {
      const data = rows.columns[name];
      const width = dims.reduce((product, dim) => product * dim, 1);
      if (data?.length !== rows.count * width)
        throw new RangeError(
          `column ${name} needs ${rows.count * width} numbers, got ${data?.length ?? 'none'}`,
        );
      return { name, dims, width, data };
    });
    this.bytesPerRow = this.parts.reduce((sum, { width, data }) => sum + width * data.BYTES_PER_ELEMENT, 0);
    if (device === 'cpu' && rows.count * this.bytesPerRow <= MOST_FED_BYTES)
      this.whole = this.feeds(rows.count, ({ data }) => data);
  }

  /** The examples `rows` in their order, and where a run finds them: [index.length] row numbers. */
  picked(rows: Int32Array): { readonly feeds: Feeds; readonly index: Int32Array } {
    if (this.whole !== undefined) return { feeds: this.whole, index: rows };
    return { feeds: this.feeds(rows.length, (part) => gathered(part, rows)), index: rows.map((_, at) => at) };
  }

  /** `count` examples from `from` on. */
  block(from: number, count: number): Feeds {
    return this.feeds(count, ({ data, width }) => data.subarray(from * width, (from + count) * width));
  }

  private feeds(count: number, data: (part: Part) => ColumnData): Feeds {
    return Object.fromEntries(
      this.parts.map((part) => [part.name, tensorOf(data(part), [count, ...part.dims])]),
    );
  }
}

const gathered = ({ data, width }: Part, rows: Int32Array): ColumnData => {
  const picked = data.slice(0, 0).constructor as { new (length: number): ColumnData };
  const block = new picked(rows.length * width);
  for (let at = 0; at < rows.length; at++) {
    const from = rows[at] * width;
    block.set(data.subarray(from, from + width), at * width);
  }
  return block;
};
