/** One network being trained: its weights, its optimizer state, its own order of examples. */
import { permutation, randomKey } from '../../../onnx';
import type { CompiledTraining, Schedule, Weights } from '../../../onnx';
import type { ChunkSize } from '../../engine/chunk';
import { asFloat32, float32, int32 } from '../../engine/onnxruntime';
import type { Feeds, Session, Tensor } from '../../engine/onnxruntime';
import type { RowFeed } from './feed';
import type { Network, Tally } from './network';

/** What the members of an ensemble share. */
export interface Training {
  readonly session: Session;
  readonly compiled: CompiledTraining;
  readonly network: Pick<Network, 'initial'>;
  readonly rows: number;
  readonly feed: RowFeed;
  readonly resident: Feeds;
  readonly schedule: Schedule;
  readonly chunk: ChunkSize;
}

/** What a checkpoint holds of a member: state tensors by input name. */
export interface MemberState {
  readonly step: number;
  readonly state: Readonly<Record<string, Float32Array>>;
}

export class Member {
  private state: Record<string, Tensor>;
  private step = 0;
  private readonly seed: number;

  constructor(
    private readonly training: Training,
    seed: number,
    member: number,
    saved?: MemberState,
  ) {
    this.seed = randomKey(seed, member);
    const { compiled, network } = training;
    const arrays = saved?.state ?? compiled.initialState(network.initial(this.seed));
    this.step = saved?.step ?? 0;
    this.state = Object.fromEntries(
      compiled.state.map(({ input, dims }) => [input, float32(arrays[input] ?? new Float32Array(0), dims)]),
    );
  }

  /** By name of parameter or buffer; copies, so the next epoch does not change them. */
  get weights(): Weights {
    return this.training.compiled.weightsOf(this.saved.state);
  }

  get saved(): MemberState {
    const arrays = Object.entries(this.state).map(([name, tensor]) => [name, asFloat32(tensor)] as const);
    return { step: this.step, state: Object.fromEntries(arrays) };
  }

  /**
   * One pass over all examples in an order drawn from (seed, member, epoch); a last batch that is not full is filled
   * up with the first examples of that order. Adds what the network answered, before each update, to `tally`. Gives
   * the mean loss of the steps.
   */
  async epoch(
    epoch: number,
    tally: Tally | undefined,
    scale: number,
    breathe: () => Promise<void>,
  ): Promise<number> {
    const { compiled, rows, chunk } = this.training;
    const batch = compiled.batchSize;
    const order = permutation(rows, this.seed, epoch);
    const steps = Math.ceil(rows / batch);
    let loss = 0;
    for (let done = 0; done < steps;) {
      const count = chunk.next(steps - done);
      const started = performance.now();
      const picked = cyclic(order, done * batch, count * batch);
      const answer = await this.run(picked, count, scale);
      tally?.add(
        asFloat32(answer['answers']),
        picked.subarray(0, Math.min(count * batch, rows - done * batch)),
      );
      for (const value of asFloat32(answer['loss'])) loss += value;
      chunk.measured(count, performance.now() - started);
      done += count;
      await breathe();
    }
    return loss / steps;
  }

  private async run(picked: Int32Array, steps: number, scale: number): Promise<Record<string, Tensor>> {
    const { session, compiled, feed, resident, schedule } = this.training;
    const rates = compiled.coefficients(this.step, steps, (step) => scale * schedule(step));
    const drawn = compiled.draws.length > 0 ? compiled.drawn(this.seed, this.step, steps) : {};
    const { feeds, index } = feed.picked(picked);
    const answer = await session.run({
      ...feeds,
      ...resident,
      [compiled.index]: int32(index, [steps, compiled.batchSize]),
      ...Object.fromEntries(Object.entries(rates).map(([name, values]) => [name, float32(values, [steps])])),
      ...Object.fromEntries(
        compiled.draws.map(({ input, dims }) => [
          input,
          float32(drawn[input] ?? new Float32Array(0), [steps, ...dims]),
        ]),
      ),
      ...this.state,
    });
    this.step += steps;
    this.state = Object.fromEntries(
      compiled.state.map(({ input, output }) => [input, outputOf(answer, output)]),
    );
    return answer;
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
