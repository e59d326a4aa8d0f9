/** Runs over many rows, a block at a time: memory stays bounded and the event loop turns in between. */
import { asFloat32, withSession } from './onnxruntime';
import type { Feeds } from './onnxruntime';

/** Rows of a block where nothing asks for fewer. */
export const BLOCK_ROWS = 4096;

/** Calls `use` for consecutive blocks, rows `from` up to but not `to`. Throws when aborted. */
export const inBlocks = async (
  rows: number,
  signal: AbortSignal,
  use: (from: number, to: number) => Promise<void>,
  length = BLOCK_ROWS,
): Promise<void> => {
  for (let from = 0; from < rows; from += length) {
    signal.throwIfAborted();
    await use(from, Math.min(from + length, rows));
    await new Promise(setImmediate);
  }
};

/** The float32 `output` of a model for `rows` rows, row-major; `feeds` gives the inputs of a block. */
export const outputInBlocks = async (
  model: Uint8Array,
  rows: number,
  feeds: (from: number, to: number, inputNames: readonly string[]) => Feeds | Promise<Feeds>,
  signal: AbortSignal,
  length = BLOCK_ROWS,
): Promise<Float32Array> => {
  let all = new Float32Array(0);
  await withSession(model, {}, (session) =>
    inBlocks(
      rows,
      signal,
      async (from, to) => {
        const answer = await session.run(await feeds(from, to, session.inputNames));
        const output = asFloat32(answer['output']);
        const width = output.length / (to - from);
        if (from === 0) all = new Float32Array(rows * width);
        all.set(output, from * width);
      },
      length,
    ),
  );
  return all;
};
