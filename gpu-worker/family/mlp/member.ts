/** One network being trained: its weights, its optimizer state, its own order of rows. */
import { permutation, randomKey } from '../../../onnx';
import type { CompiledTraining, Weights } from '../../../onnx';
import type { ChunkSize } from '../../engine/chunk';
import { asFloat32, float32, int32 } from '../../engine/onnxruntime';
import type { Feeds, Session, Tensor } from '../../engine/onnxruntime';
import type { ScoreSum } from './history';
import { initialWeights } from './network';
import type { NetworkShape } from './network';

/** What the members of an ensemble share. */
export interface Training {
  readonly session: Session;
  readonly compiled: CompiledTraining;
  readonly shape: NetworkShape;
  readonly rows: number;
  /** The columns `x` and `y` of all training rows. */
  readonly columns: Feeds;
  /** As in `Examples`, one a row. */
  readonly targets: Float32Array;
  readonly learningRate: number;
  readonly chunk: ChunkSize;
}

export class Member {
  private state: Record<string, Tensor>;
  private step = 0;
  private readonly seed: number;

  constructor(
    private readonly training: Training,
    seed: number,
    member: number,
  ) {
    this.seed = randomKey(seed, member);
    const { compiled, shape } = training;
    const arrays = compiled.initialState(initialWeights(shape, this.seed));
    this.state = Object.fromEntries(
      compiled.state.map(({ input, dims }) => [input, float32(arrays[input] ?? new Float32Array(0), dims)]),
    );
  }

  /** By parameter name; copies, so the next epoch does not change them. */
  get weights(): Weights {
    const arrays = Object.entries(this.state).map(([name, tensor]) => [name, asFloat32(tensor)] as const);
    return this.training.compiled.weightsOf(Object.fromEntries(arrays));
  }

  /**
   * One pass over all rows in an order drawn from (seed, member, epoch); a last batch that is not full is filled up
   * with the first rows of that order. Adds what the network put out, before each update, to `scores`.
   */
  async epoch(epoch: number, scores: ScoreSum, breathe: () => Promise<void>): Promise<void> {
    const { compiled, rows, targets, chunk } = this.training;
    const batch = compiled.batchSize;
    const order = permutation(rows, this.seed, epoch);
    const steps = Math.ceil(rows / batch);
    for (let done = 0; done < steps;) {
      const count = chunk.next(steps - done);
      const started = performance.now();
      const index = cyclic(order, done * batch, count * batch);
      const outputs = await this.run(index, count);
      const seen = index.subarray(0, Math.min(count * batch, rows - done * batch));
      scores.add(outputs, targets, seen);
      chunk.measured(count, performance.now() - started);
      done += count;
      await breathe();
    }
  }

  private async run(index: Int32Array, steps: number): Promise<Float32Array> {
    const { session, compiled, columns, learningRate } = this.training;
    const coefficients = Object.entries(compiled.coefficients(this.step, steps, learningRate));
    const masks = compiled.masks.length > 0 ? compiled.dropout(this.seed, this.step, steps) : {};
    const answer = await session.run({
      ...columns,
      [compiled.index]: int32(index, [steps, compiled.batchSize]),
      ...Object.fromEntries(coefficients.map(([name, values]) => [name, float32(values, [steps])])),
      ...Object.fromEntries(
        compiled.masks.map(({ input, dims }) => [
          input,
          float32(masks[input] ?? new Float32Array(0), [steps, ...dims]),
        ]),
      ),
      ...this.state,
    });
    this.step += steps;
    this.state = Object.fromEntries(
      compiled.state.map(({ input, output }) => [input, outputOf(answer, output)]),
    );
    return asFloat32(answer['outputs']);
  }
}

/** `count` entries from `start` on, going round at the end. */
const cyclic = (order: Int32Array, start: number, count: number): Int32Array => {
  const index = new Int32Array(count);
  for (let filled = 0; filled < count;) {
    const part = order.subarray((start + filled) % order.length).subarray(0, count - filled);
    index.set(part, filled);
    filled += part.length;
  }
  return index;
};

const outputOf = (answer: Record<string, Tensor>, name: string): Tensor => {
  const found = answer[name];
  if (found === undefined) throw new Error(`the training graph has no output ${name}`);
  return found;
};
