import { InferenceSession } from 'onnxruntime-node';
import { modelBytes } from './emit';
import { narrowSplits } from './narrow';
import * as op from './op';
import type { GraphProto, NodeProto } from './proto/model';
import { readModel } from './proto/read';
import { runSession } from './testing/runtime';
import { input } from './value';

/** Parts of rising lengths, in the main graph and in a loop's body, joined again in turned order. */
const model = (parts: number): Uint8Array => {
  const lengths = Array.from({ length: parts }, (_, at) => 1 + (at % 3));
  const width = lengths.reduce((sum, length) => sum + length, 0);
  const x = input('x', 'float32', ['steps', width]);
  const turned = (of: typeof x, axis: number) => op.Concat(op.Split(of, lengths, axis).reverse(), axis);
  const { collected } = op.Scan({
    state: [],
    sequences: [x],
    body: (_, [row = x]) => ({ state: [], collect: [turned(row, 0)] }),
  });
  return modelBytes({
    name: 'parts',
    inputs: [x],
    outputs: { whole: turned(x, 1), ...(collected[0] && { each: collected[0] }) },
  });
};

const splits = ({ nodes }: GraphProto): NodeProto[] =>
  nodes.flatMap((node) => [
    ...(node.op === 'Split' ? [node] : []),
    ...node.attributes.flatMap(({ type, value }) => (type === 'graph' ? splits(value) : [])),
  ]);

const answerOf = async (bytes: Uint8Array, feeds: Parameters<typeof runSession>[1]) => {
  // What stays unused, the lengths of the long splits, is worth a warning to onnxruntime.
  const session = await InferenceSession.create(bytes, { logSeverityLevel: 3 });
  try {
    return await runSession(session, feeds);
  } finally {
    await session.release();
  }
};

it.each([2, 7, 8, 13, 50, 344])(
  '%d parts are the same parts when at most 7 are cut at once',
  async (parts) => {
    const whole = model(parts);
    const narrow = narrowSplits(whole, 7);
    const widths = splits(readModel(narrow).graph).map(({ outputs }) => outputs.length);
    expect(Math.max(...widths)).toBeLessThanOrEqual(7);
    expect(narrow.length === whole.length).toBe(parts <= 7);
    const width = Array.from({ length: parts }, (_, at) => 1 + (at % 3)).reduce((sum, part) => sum + part, 0);
    const feeds = { x: { data: Float32Array.from({ length: 2 * width }, (_, at) => at), dims: [2, width] } };
    expect(await answerOf(narrow, feeds)).toEqual(await answerOf(whole, feeds));
  },
);
