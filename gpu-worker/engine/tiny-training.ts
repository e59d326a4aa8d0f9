/** The smallest whole training: what a device must get right before anybody's data is trained on it. */
import { adam, compileTraining, meanSquaredError, op } from '../../onnx';
import type { CompiledTraining } from '../../onnx';
import { asFloat32, float32, int32 } from './onnxruntime';
import type { Feeds, Session } from './onnxruntime';

/** A training with one hidden layer: columns of the data, neurons, rows and number of its steps. */
export interface TrialSize {
  readonly columns: number;
  readonly width: number;
  readonly batch: number;
  readonly steps: number;
}

const TINY: TrialSize = { columns: 4, width: 8, batch: 4, steps: 3 };

export const trialTraining = ({ columns, width, batch }: TrialSize, mixed = false): CompiledTraining =>
  compileTraining({
    parameters: { hidden: [columns, width], shift: [width], out: [width, 1] },
    columns: { x: { dtype: 'float32', dims: [columns] }, y: { dtype: 'float32', dims: [1] } },
    batchSize: batch,
    optimizer: adam(),
    mixed,
    build: ({ weights: { hidden, shift, out }, batch: { x, y } }) => {
      if (!hidden || !shift || !out || !x || !y) throw new Error('three weights, two columns');
      return { loss: meanSquaredError(op.MatMul(op.Relu(op.Gemm(x, hidden, shift)), out), y) };
    },
  });

export const tinyTraining = (): CompiledTraining => trialTraining(TINY);

/** Runs a training of `trialTraining` from its start: the loss before each step, and how long it took. */
export const runTrial = async (
  session: Session,
  compiled: CompiledTraining,
  { columns, width, batch, steps }: TrialSize,
): Promise<{ readonly losses: Float32Array; readonly ms: number }> => {
  const rows = 2 * batch;
  const wave = (count: number, speed: number, height = 1): Float32Array =>
    Float32Array.from({ length: count }, (_, at) => height * Math.sin(speed * at));
  // Sums of more terms, of smaller ones: answers stay of one size.
  const [wider, deeper] = [Math.sqrt(TINY.columns / columns), Math.sqrt(TINY.width / width)];
  const state = compiled.initialState({
    hidden: wave(columns * width, 0.7, wider),
    shift: new Float32Array(width),
    out: wave(width, 1.3, deeper),
  });
  const rates = compiled.coefficients(0, steps, 0.01 * wider * deeper);
  const feeds: Feeds = {
    x: float32(wave(rows * columns, 2.1), [rows, columns]),
    y: float32(wave(rows, 0.9), [rows, 1]),
    [compiled.index]: int32(
      Int32Array.from({ length: steps * batch }, (_, at) => at % rows),
      [steps, batch],
    ),
    ...Object.fromEntries(Object.entries(rates).map(([name, values]) => [name, float32(values, [steps])])),
    ...Object.fromEntries(
      compiled.state.map(({ input, dims }) => [input, float32(state[input] ?? new Float32Array(0), dims)]),
    ),
  };
  const started = performance.now();
  const losses = asFloat32((await session.run(feeds))['loss']);
  return { losses, ms: performance.now() - started };
};

/** Of the tiny training on the cpu provider: the loss before each of the three steps. */
const LOSSES: readonly number[] = [0.252053, 1.077817, 0.18887];
/** Half precision anywhere would show; another order of additions does not. */
const TOLERANCE = 1e-3;

/** Runs the tiny training; throws when the losses are not those of the cpu. Returns the milliseconds of a second run. */
export const runTinyTraining = async (session: Session, compiled: CompiledTraining): Promise<number> => {
  const { losses } = await runTrial(session, compiled, TINY);
  if (!LOSSES.every((loss, step) => Math.abs((losses[step] ?? NaN) - loss) <= TOLERANCE))
    throw new Error(
      `a tiny training step gave the losses ${losses.join(', ')} instead of ${LOSSES.join(', ')}`,
    );
  return (await runTrial(session, compiled, TINY)).ms;
};
