/** The smallest whole training: what a device must get right before anybody's data is trained on it. */
import { adam, compileTraining, meanSquaredError, op } from '../../onnx';
import type { CompiledTraining } from '../../onnx';
import { asFloat32, float32, int32 } from './onnxruntime';
import type { Feeds, Session } from './onnxruntime';

const ROWS = 8;
const COLUMNS = 4;
const STEPS = 3;
const BATCH = 4;

export const tinyTraining = (): CompiledTraining =>
  compileTraining({
    parameters: { hidden: [COLUMNS, 8], shift: [8], out: [8, 1] },
    columns: { x: { dtype: 'float32', dims: [COLUMNS] }, y: { dtype: 'float32', dims: [1] } },
    batchSize: BATCH,
    optimizer: adam(),
    build: ({ weights: { hidden, shift, out }, batch: { x, y } }) => {
      if (!hidden || !shift || !out || !x || !y) throw new Error('three weights, two columns');
      return { loss: meanSquaredError(op.MatMul(op.Relu(op.Gemm(x, hidden, shift)), out), y) };
    },
  });

/** Of `runTinyTraining` on the cpu provider: the loss before each of the three steps. */
const LOSSES: readonly number[] = [0.252053, 1.077817, 0.18887];
/** Half precision anywhere would show; another order of additions does not. */
const TOLERANCE = 1e-3;

/** Runs it; throws when the losses are not those of the cpu. Returns the milliseconds of a second run. */
export const runTinyTraining = async (session: Session, compiled: CompiledTraining): Promise<number> => {
  const wave = (count: number, speed: number): Float32Array =>
    Float32Array.from({ length: count }, (_, at) => Math.sin(speed * at));
  const state = compiled.initialState({
    hidden: wave(COLUMNS * 8, 0.7),
    shift: new Float32Array(8),
    out: wave(8, 1.3),
  });
  const rates = compiled.coefficients(0, STEPS, 0.01);
  const feeds: Feeds = {
    x: float32(wave(ROWS * COLUMNS, 2.1), [ROWS, COLUMNS]),
    y: float32(wave(ROWS, 0.9), [ROWS, 1]),
    [compiled.index]: int32(
      Int32Array.from({ length: STEPS * BATCH }, (_, at) => at % ROWS),
      [STEPS, BATCH],
    ),
    ...Object.fromEntries(Object.entries(rates).map(([name, values]) => [name, float32(values, [STEPS])])),
    ...Object.fromEntries(
      compiled.state.map(({ input, dims }) => [input, float32(state[input] ?? new Float32Array(0), dims)]),
    ),
  };
  const losses = asFloat32((await session.run(feeds))['loss']);
  if (!LOSSES.every((loss, step) => Math.abs((losses[step] ?? NaN) - loss) <= TOLERANCE))
    throw new Error(
      `a tiny training step gave the losses ${losses.join(', ')} instead of ${LOSSES.join(', ')}`,
    );
  const started = performance.now();
  await session.run(feeds);
  return performance.now() - started;
};
