/** The shared memory of one training: binned features, rows, statistics and histograms, and the kernel that works there. */
import type { FeatureBins } from './binning';
import { CREW_BYTES } from './kernel/crew';
import { THRESHOLDS } from './kernel/binning';
import { HISTOGRAM_BYTES, ROWS_PADDING_BYTES, STATISTICS_BYTES } from './kernel/histogram';
import { Kernel } from './kernel/kernel';
import { ROUTE_BYTES } from './kernel/scores';
import { FOUND_BYTES } from './kernel/split';
import { binCategories } from './binning';
import type { Feature } from './learning';

export interface Sizes {
  readonly rows: number;
  readonly validationRows: number;
  readonly outputs: number;
  readonly leaves: number;
  readonly threads: number;
}

/** Rows of a chunk of work where the work is light: a chunk takes some tens of microseconds. */
export const CHUNK_ROWS = 32_768;

const LINE = 64;

/** Deals out the memory from the bottom, in whole cache lines. */
class Regions {
  bytes = CREW_BYTES;
  place(bytes: number): number {
    const at = Math.ceil(this.bytes / LINE) * LINE;
    this.bytes = at + bytes;
    return at;
  }
}

const places = (features: number, stride: number, sizes: Sizes) => {
  const regions = new Regions();
  const { rows, validationRows, outputs, leaves, threads } = sizes;
  const chunks = Math.ceil(rows / CHUNK_ROWS);
  return {
    goesLeft: regions.place(256),
    lastRound: regions.place(4 * threads),
    words: regions.place(4 * Math.ceil(features / 8)),
    list: regions.place(4 * features),
    binCounts: regions.place(4 * features),
    found: regions.place(FOUND_BYTES),
    thresholds: regions.place(4 * THRESHOLDS),
    unpacked: regions.place(3 * 256 * 8),
    lefts: regions.place(4 * chunks),
    leftStarts: regions.place(4 * chunks),
    rightStarts: regions.place(4 * chunks),
    leafStarts: regions.place(4 * leaves),
    leafEnds: regions.place(4 * leaves),
    leafValues: regions.place(8 * leaves),
    route: regions.place(ROUTE_BYTES * leaves),
    table: regions.place(rows * stride),
    columns: regions.place(rows * features),
    everyRow: regions.place(4 * Math.max(rows, validationRows)),
    rows: regions.place(4 * rows + ROWS_PADDING_BYTES),
    left: regions.place(4 * Math.max(rows, validationRows)),
    right: regions.place(4 * rows),
    gradients: regions.place(8 * rows),
    hessians: regions.place(8 * rows),
    scores: regions.place(8 * rows * outputs),
    validationColumns: regions.place(validationRows * features),
    validationScores: regions.place(8 * validationRows * outputs),
    // One more than leaves: a child's is filled while its parent's is still there.
    histograms: regions.place((leaves + 1) * features * HISTOGRAM_BYTES),
    others: regions.place((threads - 1) * features * HISTOGRAM_BYTES),
    total: regions.bytes,
  };
};

export class Workspace {
  readonly at: ReturnType<typeof places>;
  readonly kernel: Kernel;
  readonly stride: number;
  readonly histogramBytes: number;
  /** Row numbers: those of the sample first, then those that were left out. */
  readonly rows: Int32Array;
  readonly everyRow: Int32Array;
  readonly gradients: Float64Array;
  readonly hessians: Float64Array;

  constructor(
    readonly bins: readonly FeatureBins[],
    readonly sizes: Sizes,
  ) {
    this.stride = STATISTICS_BYTES + Math.ceil(bins.length / 8) * 8;
    this.histogramBytes = bins.length * HISTOGRAM_BYTES;
    this.at = places(bins.length, this.stride, sizes);
    this.kernel = new Kernel(this.at.total, sizes.threads);
    this.rows = this.int32(this.at.rows, sizes.rows);
    this.everyRow = this.int32(this.at.everyRow, Math.max(sizes.rows, sizes.validationRows));
    this.gradients = this.float64(this.at.gradients, sizes.rows);
    this.hessians = this.float64(this.at.hessians, sizes.rows);
    this.everyRow.forEach((_, row) => (this.everyRow[row] = row));
    this.int32(this.at.binCounts, bins.length).set(bins.map(({ count }) => count));
  }

  get features(): number {
    return this.bins.length;
  }
  int32(at: number, length: number): Int32Array {
    return new Int32Array(this.kernel.buffer, at, length);
  }
  bytes(at: number, length: number): Uint8Array {
    return new Uint8Array(this.kernel.buffer, at, length);
  }
  float64(at: number, length: number): Float64Array {
    return new Float64Array(this.kernel.buffer, at, length);
  }
  scores(output: number): Float64Array {
    return this.float64(this.at.scores + 8 * this.sizes.rows * output, this.sizes.rows);
  }
  validationScores(output: number): Float64Array {
    const { validationRows } = this.sizes;
    return this.float64(this.at.validationScores + 8 * validationRows * output, validationRows);
  }
  histogram(slot: number): number {
    return this.at.histograms + slot * this.histogramBytes;
  }

  /** Bins a column of the training rows. */
  bin(index: number, feature: Feature): void {
    const column = this.at.columns + index * this.sizes.rows;
    this.binTo(index, feature, this.sizes.rows, column, this.at.table + STATISTICS_BYTES + index);
  }
  binValidation(index: number, feature: Feature): void {
    const { validationRows } = this.sizes;
    this.binTo(index, feature, validationRows, this.at.validationColumns + index * validationRows, 0);
  }

  private binTo(index: number, feature: Feature, rows: number, column: number, table: number): void {
    const bins = this.bins[index];
    if (bins === undefined || rows === 0) return;
    if (bins.kind === 'category') {
      const columnBytes = this.bytes(column, rows);
      const tableBytes = this.bytes(table, table === 0 ? 0 : (rows - 1) * this.stride + 1);
      binCategories(feature, rows, bins, (row, bin) => {
        columnBytes[row] = bin;
        if (table !== 0) tableBytes[row * this.stride] = bin;
      });
      return;
    }
    // The lists of the partition are not in use yet.
    const values = new Float32Array(this.kernel.buffer, this.at.left, rows);
    const { offset, stride } = feature;
    for (let row = 0; row < rows; row++) values[row] = feature.values[offset + row * stride];
    const thresholds = new Float32Array(this.kernel.buffer, this.at.thresholds, THRESHOLDS);
    thresholds.fill(Infinity);
    thresholds.set(bins.thresholds);
    this.kernel.run('bin', Math.ceil(rows / CHUNK_ROWS), {
      values: this.at.left,
      rows,
      chunkRows: CHUNK_ROWS,
      thresholds: this.at.thresholds,
      missingBin: bins.count,
      column,
      table,
      stride: this.stride,
    });
  }
}
