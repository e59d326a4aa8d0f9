import { modelBytes } from '../../onnx';
import type { Column, ImageColumn, Table } from '../data/table';
import { asFloat32, float64, int64, strings, uint8, withSession } from '../engine/onnxruntime';
import type { Feeds, Tensor } from '../engine/onnxruntime';
import { preparedFeatures, typedInputs } from './graph';
import { preparedWidth, signatureInputs } from './preparation';
import type { Preparation } from './preparation';
import { columnNamed, isSupervised } from './target';
import type { Target } from './target';
import { outOfFold } from './target-encoding';
import { MISSING_TIME } from './time';

/** Feature rows, row-major: `values[i * width + j]` is feature j of the i-th row asked for. */
export interface FeatureMatrix {
  readonly rows: number;
  readonly width: number;
  readonly values: Float32Array;
}

/** Rows that pass through a prepared graph at a time: bounds the memory of a run. */
export const BLOCK_ROWS = 4096;

/** The columns `names` of some rows, as the typed [rows] inputs of a sealed file. */
export const rawFeeds = (table: Table, names: readonly string[], rows: Int32Array): Feeds =>
  Object.fromEntries(
    names.map((name) => {
      const image = table.images?.find(({ spec }) => spec.name === name);
      return [
        name,
        image === undefined ? columnTensor(columnNamed(table, name), rows) : imageTensor(image, rows),
      ];
    }),
  );

const imageTensor = ({ size, pixels }: ImageColumn, rows: Int32Array): Tensor => {
  const { height, width, channels } = size;
  return uint8(picked(pixels, height * width * channels, rows), [rows.length, height, width, channels]);
};

/** The pixels of some rows, `each` bytes a row. */
export const picked = (pixels: Uint8Array, each: number, rows: Int32Array): Uint8Array => {
  const some = new Uint8Array(rows.length * each);
  rows.forEach((row, at) => some.set(pixels.subarray(row * each, (row + 1) * each), at * each));
  return some;
};

/** One column of some rows as the typed [rows] input of a sealed file. */
export const columnTensor = (column: Column, rows: Int32Array): Tensor => {
  switch (column.kind) {
    case 'number':
      return float64(
        Float64Array.from(rows, (row) => column.values[row] ?? NaN),
        [rows.length],
      );
    case 'time':
      return int64(
        BigInt64Array.from(rows, (row) => {
          const micros = column.values[row] ?? NaN;
          return Number.isNaN(micros) ? MISSING_TIME : BigInt(micros);
        }),
        [rows.length],
      );
    case 'category':
    case 'text':
      return strings(
        Array.from(rows, (row) => column.dictionary[column.codes[row] ?? -1] ?? ''),
        [rows.length],
      );
  }
};

/** Calls `use` for consecutive blocks of `rows`, letting the event loop turn in between. Throws when aborted. */
export const inBlocks = async (
  rows: Int32Array,
  signal: AbortSignal,
  use: (block: Int32Array, offset: number) => Promise<void>,
  blockRows = BLOCK_ROWS,
): Promise<void> => {
  for (let offset = 0; offset < rows.length; offset += blockRows) {
    signal.throwIfAborted();
    await use(rows.subarray(offset, offset + blockRows), offset);
    await new Promise(setImmediate);
  }
};

/** Runs the very graph that will be sealed, so that training sees the numbers that serving will make. */
export const prepareMatrix = async (
  table: Table,
  preparation: Preparation,
  rows: Int32Array,
  signal: AbortSignal,
): Promise<FeatureMatrix> => {
  const width = preparedWidth(preparation);
  const values = new Float32Array(rows.length * width);
  const inputs = typedInputs(signatureInputs(preparation));
  const features = preparedFeatures(preparation, inputs);
  const model = modelBytes({ name: 'preparation', inputs: Object.values(inputs), outputs: { features } });
  const names = preparation.fits.map(({ name }) => name);
  await withSession(model, {}, (session) =>
    inBlocks(rows, signal, async (block, offset) => {
      const answer = await session.run(rawFeeds(table, names, block));
      values.set(asFloat32(answer['features']), offset * width);
    }),
  );
  return { rows: rows.length, width, values };
};

/**
 * Features of the rows that `preparation` was fitted on, for a model to learn from: what is encoded by the target comes
 * from other folds. Everything else is what `prepareMatrix` gives, and so is what any other row is given.
 */
export const prepareTraining = async (
  table: Table,
  preparation: Preparation,
  target: Target,
  rows: Int32Array,
  signal: AbortSignal,
): Promise<FeatureMatrix> => {
  const matrix = await prepareMatrix(table, preparation, rows, signal);
  for (const fit of preparation.fits) {
    if (fit.kind !== 'target' || !isSupervised(target)) continue;
    const block = preparation.blocks.find(({ column, kind }) => column === fit.name && kind === 'target');
    const column = columnNamed(table, fit.name);
    if (block === undefined || !('codes' in column)) continue;
    const scores = outOfFold(fit, column, target, rows);
    for (let row = 0; row < rows.length; row++)
      matrix.values.set(
        scores.subarray(row * block.width, (row + 1) * block.width),
        row * matrix.width + block.from,
      );
    signal.throwIfAborted();
    await new Promise(setImmediate);
  }
  return matrix;
};
