import { input, modelBytes } from '../../onnx';
import type { Column, ImageColumn, Table } from '../data/table';
import { BLOCK_ROWS, inBlocks, outputInBlocks } from '../engine/in-blocks';
import { asFloat32, float32, float64, int64, strings, uint8, withSession } from '../engine/onnxruntime';
import type { Feeds, Session, Tensor } from '../engine/onnxruntime';
import { ROWS, preparedFeatures, typedInputs } from './graph';
import { interactionValue } from './interactions';
import { numberFeatures, sideBySide } from './number-graph';
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

/** A run holds every character of its texts as a string, as many for each row as the longest has. */
const BLOCK_CHARACTERS = 4_000_000;

/** Fewer rows where a text is long. */
export const blockRows = (columns: readonly Column[]): number => {
  let longest = 1;
  for (const column of columns)
    if (column.kind === 'text')
      for (const text of column.dictionary) longest = Math.max(longest, text.length);
  return Math.max(1, Math.min(BLOCK_ROWS, Math.floor(BLOCK_CHARACTERS / longest)));
};

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

/** NaN for what was before a series began (-1). A loop: `Float64Array.from` takes ten times as long. */
export const valuesAt = (values: Float64Array, rows: Int32Array): Float64Array => {
  const some = new Float64Array(rows.length);
  for (let at = 0; at < rows.length; at++) some[at] = rows[at] < 0 ? NaN : values[rows[at]];
  return some;
};

/** One column of some rows as the typed [rows] input of a sealed file. */
export const columnTensor = (column: Column, rows: Int32Array): Tensor => {
  switch (column.kind) {
    case 'number':
      return float64(valuesAt(column.values, rows), [rows.length]);
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

/** Rows `from` up to but not `to` of a matrix: [rows, width]. */
export const matrixTensor = ({ values, width }: FeatureMatrix, from: number, to: number): Tensor =>
  float32(values.subarray(from * width, to * width), [to - from, width]);

/**
 * Runs the very nodes that will be sealed, so that training sees the numbers that serving will make. Numbers and instants
 * run row by row; a category or a text runs once for each value that it has in `rows`.
 */
export const prepareMatrix = async (
  table: Table,
  preparation: Preparation,
  rows: Int32Array,
  signal: AbortSignal,
): Promise<FeatureMatrix> => {
  const matrix: FeatureMatrix = {
    rows: rows.length,
    width: preparedWidth(preparation),
    values: new Float32Array(rows.length * preparedWidth(preparation)),
  };
  const plain = partOf(preparation, ({ kind }) => kind === 'number' || kind === 'time');
  if (plain !== undefined)
    await withSession(plain.model, {}, (session) =>
      inBlocks(rows.length, signal, async (from, to) => {
        const feeds = rawFeeds(table, plain.names, rows.subarray(from, to));
        const answer = asFloat32((await session.run(feeds))['features']);
        for (let row = from; row < to; row++) place(matrix, plain, answer, row - from, row);
      }),
    );
  for (const fit of preparation.fits) {
    const column = columnNamed(table, fit.name);
    if (!('codes' in column)) continue;
    const part = partOf(preparation, (one) => one === fit);
    if (part === undefined) continue;
    const { firstRows, next } = rowsByCode(column, rows);
    const work = async (session: Session): Promise<void> =>
      inBlocks(
        firstRows.length,
        signal,
        async (from, to) => {
          const block = firstRows.subarray(from, to);
          const tensor = columnTensor(
            column,
            block.map((at) => rows[at]),
          );
          const answer = asFloat32((await session.run({ [fit.name]: tensor }))['features']);
          for (let i = 0; i < block.length; i++)
            for (let at = block[i]; at >= 0; at = next[at]) place(matrix, part, answer, i, at);
        },
        blockRows([column]),
      );
    await withSession(part.model, {}, work);
  }
  return matrix;
};

/**
 * The features that are made of two columns, in the order of their blocks, for mixtures of rows: the first column is that of
 * `first`, the second that of `second`.
 */
export const mixedInteractions = async (
  table: Table,
  { interactions }: Preparation,
  [first, second]: readonly [Int32Array, Int32Array],
  signal: AbortSignal,
): Promise<FeatureMatrix> => {
  const sides = interactions.map(({ of: [a, b] }, i) => [
    { name: `first${i}`, column: columnNamed(table, a), rows: first },
    { name: `second${i}`, column: columnNamed(table, b), rows: second },
  ]);
  const inputs = sides.map((two) => two.map(({ name }) => input(name, 'float64', [ROWS])));
  const numbers = interactions.map((interaction, i) => {
    const [a, b] = inputs[i];
    return { fit: interaction.fit, value: interactionValue(interaction, a, b) };
  });
  const output = sideBySide(numberFeatures(numbers));
  const values = await outputInBlocks(
    modelBytes({ name: 'interactions', inputs: inputs.flat(), outputs: { output } }),
    first.length,
    (from, to) =>
      Object.fromEntries(
        sides.flat().map(({ name, column, rows }) => [name, columnTensor(column, rows.subarray(from, to))]),
      ),
    signal,
  );
  return { rows: first.length, width: values.length / first.length, values };
};

/** Some columns of a preparation as a graph of its own, and where its features go. */
interface Part {
  readonly names: readonly string[];
  readonly model: Uint8Array;
  readonly width: number;
  /** Runs of features that stay side by side. */
  readonly runs: readonly { readonly from: number; readonly to: number; readonly width: number }[];
}

const partOf = (
  { fits, specs, interactions, blocks }: Preparation,
  wanted: (fit: Preparation['fits'][number]) => boolean,
): Part | undefined => {
  const chosen = fits.flatMap((fit, at) => (wanted(fit) ? [at] : []));
  if (chosen.length === 0) return undefined;
  const numbers = fits.some((fit) => wanted(fit) && fit.kind === 'number');
  const some: Preparation = {
    fits: fits.filter((_, at) => chosen.includes(at)),
    specs: specs.filter((_, at) => chosen.includes(at)),
    interactions: numbers ? interactions : [],
    blocks: [],
  };
  const inputs = typedInputs(signatureInputs(some));
  const features = preparedFeatures(some, inputs);
  const names = some.fits.map(({ name }) => name);
  const runs: { from: number; to: number; width: number }[] = [];
  let from = 0;
  for (const block of blocks) {
    if (block.of === undefined ? !names.includes(block.column) : !numbers) continue;
    const last = runs.at(-1);
    if (last !== undefined && last.to + last.width === block.from) last.width += block.width;
    else runs.push({ from, to: block.from, width: block.width });
    from += block.width;
  }
  const model = modelBytes({ name: 'preparation', inputs: Object.values(inputs), outputs: { features } });
  return { names, model, width: from, runs };
};

const place = (matrix: FeatureMatrix, part: Part, answer: Float32Array, from: number, row: number): void => {
  const source = from * part.width;
  const target = row * matrix.width;
  for (const run of part.runs)
    for (let i = 0; i < run.width; i++) matrix.values[target + run.to + i] = answer[source + run.from + i];
};

/** For each value the first place in `rows` that has it, and for each place the next one with the same value, or -1. */
const rowsByCode = (
  { codes, dictionary }: Extract<Column, { codes: Int32Array }>,
  rows: Int32Array,
): { firstRows: Int32Array; next: Int32Array } => {
  const first: number[] = [];
  const last = new Int32Array(dictionary.length + 1).fill(-1);
  const next = new Int32Array(rows.length).fill(-1);
  for (let at = 0; at < rows.length; at++) {
    const code = codes[rows[at]] + 1;
    const before = last[code];
    if (before < 0) first.push(at);
    else next[before] = at;
    last[code] = at;
  }
  return { firstRows: Int32Array.from(first), next };
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
