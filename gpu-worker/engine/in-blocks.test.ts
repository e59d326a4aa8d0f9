import { input, modelBytes, op } from '../../onnx';
import { inBlocks, outputInBlocks } from './in-blocks';
import { float32, openSessionCount } from './onnxruntime';

const { signal } = new AbortController();
afterEach(() => expect(openSessionCount()).toBe(0));

const x = input('x', 'float32', ['rows', 1]);
const both = modelBytes({ name: 'both', inputs: [x], outputs: { output: op.Concat([x, op.Neg(x)], 1) } });
const rowsAsFeeds = (from: number, to: number) => ({
  x: float32(
    Float32Array.from({ length: to - from }, (_, i) => from + i),
    [to - from, 1],
  ),
});

it('blocks follow each other, the last one as short as it must be, and other work is done in between', async () => {
  const seen: unknown[] = [];
  const use = (from: number, to: number): Promise<void> => {
    setImmediate(() => seen.push('other work'));
    return Promise.resolve(void seen.push([from, to]));
  };
  await inBlocks(5, signal, use, 2);
  expect(seen).toEqual([[0, 2], 'other work', [2, 4], 'other work', [4, 5], 'other work']);
});

it('the outputs of all blocks stand one after another', async () => {
  expect([...(await outputInBlocks(both, 3, rowsAsFeeds, signal, 2))]).toEqual([0, -0, 1, -1, 2, -2]);
  expect(await outputInBlocks(both, 0, rowsAsFeeds, signal)).toHaveLength(0);
});

it('an abort ends it before the next block, and the session is closed', async () => {
  const stop = new AbortController();
  const feeds = (from: number, to: number) => {
    stop.abort(new Error('enough'));
    return rowsAsFeeds(from, to);
  };
  await expect(outputInBlocks(both, 3, feeds, stop.signal, 2)).rejects.toThrow('enough');
});
