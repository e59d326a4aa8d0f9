import { openSessionCount } from '../engine/onnxruntime';
import { regressionTable, request, listener } from '../testing/examples';
import { trainTable } from './train-table';

const ROUNDS = 40;
/** Learns as long as it likes; then so much is left. */
const afterLearning = (leftMs: number) => {
  const voice = listener();
  let learned = false;
  return {
    ...voice,
    leftMs: () => (learned ? leftMs : 1e6),
    progress: (...news: Parameters<typeof voice.progress>) => {
      voice.progress(...news);
      learned ||= voice.epochs.at(-1)?.epoch === ROUNDS;
    },
  };
};
const grown = (leftMs: number, spec: Record<string, unknown> = {}) =>
  trainTable(
    regressionTable(),
    request({ family: 'trees', trees: ROUNDS, patience: 0, minRows: 5, ...spec }),
    afterLearning(leftMs),
  );

afterEach(() => expect(openSessionCount()).toBe(0));

describe('trees whose seconds run out', () => {
  it.each([[{}], [{ window: { length: 3, order: 'b' } }]])(
    'answer with the first rounds, and the report says so: %j',
    async (spec) => {
      const short = await grown(0, spec);
      const alone = await trainTable(
        regressionTable(),
        request({ family: 'trees', trees: ROUNDS / 5, patience: 0, minRows: 5, ...spec }),
        listener(),
      );
      expect(short.onnx).toEqual(alone.onnx);
      expect(short.manifest.verified.rows).toBe(80);
      // What was learned is told all the same.
      expect(short.manifest.history.at(-1)?.epoch).toBe(ROUNDS);
      expect(short.evaluation.leftOut[0]).toEqual({
        section: 'rounds of trees after the first 8 of 40',
        why: "the training's time was over",
      });
    },
  );

  it('answer with all of them where there is time, once told', async () => {
    const whole = await trainTable(
      regressionTable(),
      request({ family: 'trees', trees: ROUNDS, patience: 0, minRows: 5 }),
      listener(),
    );
    const { onnx, evaluation } = await grown(1e6);
    expect(onnx).toEqual(whole.onnx);
    expect(evaluation.leftOut).toEqual(whole.evaluation.leftOut);
  });
});
