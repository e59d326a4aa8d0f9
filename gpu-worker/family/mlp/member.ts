/** One network being trained: its weights, its optimizer state, its own order of rows. */
import type { Examples } from '../data';
import { CounterRandom, STREAMS, range } from '../../engine/counter-random';
import { ChunkSize } from '../../engine/chunk';
import { asFloat32, float32, int64, uint8 } from '../../engine/onnxruntime';
import type { Session, Tensor } from '../../engine/onnxruntime';
import type { ScoreSum } from './history';
import { initialWeights } from './network';
import { adamRate } from './program';
import type { ProgramOptions } from './program';

const STATE = ['weights', 'first', 'second'] as const;

export class Member {
  private state: Record<string, Tensor>;
  private step = 0;
  private readonly order: Int32Array;
  private readonly units: number;

  constructor(
    private readonly session: Session,
    private readonly options: ProgramOptions & { readonly learningRate: number },
    private readonly examples: Examples,
    private readonly chunk: ChunkSize,
    private readonly seed: number,
    private readonly member: number,
  ) {
    const weights = flat(initialWeights(options.shape, seed, member));
    const zeros = (): Tensor => float32(new Float32Array(weights.length), [weights.length]);
    this.state = { weights: float32(weights, [weights.length]), first: zeros(), second: zeros() };
    this.order = range(examples.features.rows);
    this.units = options.shape.hidden.reduce((sum, width) => sum + width, 0);
  }

  /** All weights in the order of `weightShapes`; the next epoch makes new ones. */
  get weights(): Float32Array {
    return asFloat32(this.state['weights']);
  }

  /**
   * One pass over all rows in an order drawn from (seed, member, epoch); a last batch that is not full is filled up
   * with the first rows of that order. Adds what the network put out, before each update, to `scores`.
   */
  async epoch(epoch: number, scores: ScoreSum, breathe: () => Promise<void>): Promise<void> {
    const { batch } = this.options;
    const rows = this.order.length;
    this.random(STREAMS.shuffle, epoch).shuffle(this.order);
    const drop = this.random(STREAMS.dropout, epoch);
    const steps = Math.ceil(rows / batch);
    for (let done = 0; done < steps;) {
      const count = this.chunk.next(steps - done);
      const started = performance.now();
      const { outputs, targets } = await this.run(done, count, drop);
      scores.add(outputs, targets, Math.min(count * batch, rows - done * batch));
      this.chunk.measured(count, performance.now() - started);
      done += count;
      await breathe();
    }
  }

  private async run(
    from: number,
    steps: number,
    drop: CounterRandom,
  ): Promise<{ outputs: Float32Array; targets: Float32Array }> {
    const { batch, shape } = this.options;
    const { features, targets } = this.examples;
    const { width } = features;
    const x = new Float32Array(steps * batch * width);
    const y = new Float32Array(steps * batch);
    for (let i = 0; i < y.length; i++) {
      const row = this.order[(from * batch + i) % this.order.length] ?? 0;
      copyRow(features.values, row * width, x, i * width, width);
      y[i] = targets[row] ?? NaN;
    }
    const rates = Float32Array.from({ length: steps }, (_, i) =>
      adamRate(this.options.learningRate, this.step + i + 1),
    );
    const answer = await this.session.run({
      x: float32(x, [steps, batch, width]),
      y:
        this.options.loss === 'squaredError' ? float32(y, [steps, batch]) : int64(bigints(y), [steps, batch]),
      rates: float32(rates, [steps]),
      ...(this.options.dropout > 0 && {
        keep: uint8(this.kept(drop, steps * batch), [steps, batch, this.units]),
      }),
      ...this.state,
    });
    this.step += steps;
    this.state = Object.fromEntries(STATE.map((name) => [name, outputOf(answer, `${name}_out`)]));
    return { outputs: asFloat32(answer['outputs']), targets: y };
  }

  /** 1 where a hidden unit stays. */
  private kept(random: CounterRandom, rows: number): Uint8Array {
    const limit = Math.round(this.options.dropout * 65536);
    const kept = new Uint8Array(rows * this.units);
    for (let i = 0; i < kept.length; i += 2) {
      const word = random.word();
      kept[i] = (word & 0xffff) < limit ? 0 : 1;
      if (i + 1 < kept.length) kept[i + 1] = word >>> 16 < limit ? 0 : 1;
    }
    return kept;
  }

  private random(stream: number, epoch: number): CounterRandom {
    return new CounterRandom(this.seed, stream, epoch * 64 + this.member);
  }
}

const outputOf = (answer: Record<string, Tensor>, name: string): Tensor => {
  const found = answer[name];
  if (found === undefined) throw new Error(`the training graph has no output ${name}`);
  return found;
};

/** Short rows are copied faster by hand than by a call. */
const copyRow = (from: Float32Array, at: number, to: Float32Array, into: number, width: number): void => {
  if (width > 32) to.set(from.subarray(at, at + width), into);
  else for (let j = 0; j < width; j++) to[into + j] = from[at + j] ?? 0;
};

const bigints = (values: Float32Array): BigInt64Array => BigInt64Array.from(values, BigInt);

const flat = (parts: readonly Float32Array[]): Float32Array => {
  const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
};
