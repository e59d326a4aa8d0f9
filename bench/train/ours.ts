/** Times our training steps: one session, epochs of shuffled batches in chunks, as the worker runs them. */
import { compileTraining, permutation } from '../../onnx';
import { asFloat32, float32, int32, openSession } from '../../gpu-worker/engine/onnxruntime';
import type { Tensor } from '../../gpu-worker/engine/onnxruntime';
import { dataOf, initialWeights } from './networks';
import type { Network } from './networks';

export interface OurTiming {
  /** Of one step. */
  readonly stepMs: number;
  /** Compiling the plan and creating the session. */
  readonly creationMs: number;
}

const CHUNK_MS = 200;

/** Trains for `seconds` after a moment of warming up; throws where the loss does not fall. */
export const timeOurs = async (network: Network, threads: number, seconds: number): Promise<OurTiming> => {
  const created = performance.now();
  const compiled = compileTraining(network.plan);
  const session = await openSession(compiled.bytes, { threads });
  const creationMs = performance.now() - created;
  try {
    const { x, y } = dataOf(network);
    const columns = {
      x: float32(x, [network.rows, ...network.row]),
      y: float32(y, [network.rows, network.outputs]),
    };
    const arrays = compiled.initialState(initialWeights(network.plan.parameters));
    let state: Record<string, Tensor> = Object.fromEntries(
      compiled.state.map(({ input, dims }) => [input, float32(arrays[input] ?? new Float32Array(0), dims)]),
    );
    const perEpoch = Math.floor(network.rows / compiled.batchSize);
    const losses: number[] = [];
    let order = new Int32Array(0);
    let done = 0;
    const run = async (wanted: number): Promise<void> => {
      const at = done % perEpoch;
      if (at === 0) order = Int32Array.from(permutation(network.rows, 1, done / perEpoch));
      const steps = Math.min(wanted, perEpoch - at);
      const rows = order.slice(at * compiled.batchSize, (at + steps) * compiled.batchSize);
      const coefficients = Object.entries(compiled.coefficients(done, steps, 1e-3));
      const answer = await session.run({
        ...columns,
        [compiled.index]: int32(rows, [steps, compiled.batchSize]),
        ...Object.fromEntries(coefficients.map(([name, values]) => [name, float32(values, [steps])])),
        ...state,
      });
      state = Object.fromEntries(compiled.state.map(({ input, output }) => [input, present(answer, output)]));
      for (const loss of asFloat32(answer['loss'])) losses.push(loss);
      done += steps;
    };
    let chunk = 2;
    const runFor = async (ms: number): Promise<number> => {
      const [started, before] = [performance.now(), done];
      while (performance.now() - started < ms || done === before) {
        const [chunkStarted, from] = [performance.now(), done];
        await run(chunk);
        const stepMs = (performance.now() - chunkStarted) / (done - from);
        chunk = Math.max(1, Math.round(CHUNK_MS / stepMs));
      }
      return (performance.now() - started) / (done - before);
    };
    await runFor(Math.min(500, seconds * 250));
    const stepMs = await runFor(seconds * 1000);
    requireLearning(network, losses);
    return { stepMs, creationMs };
  } finally {
    await session.close();
  }
};

const present = (answer: Readonly<Record<string, Tensor>>, name: string): Tensor => {
  const tensor = answer[name];
  if (tensor === undefined) throw new Error(`the training graph has no output ${name}`);
  return tensor;
};

/** A step that learns nothing would be quick to compute. */
const requireLearning = ({ name }: Network, losses: readonly number[]): void => {
  const mean = (list: readonly number[]): number => list.reduce((sum, loss) => sum + loss, 0) / list.length;
  const tenth = Math.max(1, Math.floor(losses.length / 10));
  const [first, last] = [mean(losses.slice(0, tenth)), mean(losses.slice(-tenth))];
  if (!(last < first)) throw new Error(`${name}: the loss went from ${first} to ${last}`);
};
