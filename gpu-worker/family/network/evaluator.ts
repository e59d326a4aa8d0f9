/** Validation during training: the forward pass alone, weights as inputs, so that one session serves every epoch. */
import { input, modelBytes, noDropout } from '../../../onnx';
import type { Column, Value, Weights } from '../../../onnx';
import { graphDevice, openGraph } from '../../engine/engine';
import type { Engine } from '../../engine/engine';
import { asFloat32, float32 } from '../../engine/onnxruntime';
import type { Feeds, Session } from '../../engine/onnxruntime';
import { RowFeed, tensorOf } from './feed';
import { weightShapes } from './network';
import type { Network, NetworkData } from './network';
import { answered, fitting } from './program';

const MOST_ROWS = 8192;
/** Multiplications of one run: about 50 ms, and activations of some megabytes. */
const WORK_PER_RUN = 2 ** 28;

export interface Judged {
  /** Row-major, all rows. */
  readonly answers: Float32Array;
  /** Mean over the rows, without penalties. */
  readonly loss: number;
}

export class Evaluator {
  private constructor(
    private readonly session: Session,
    private readonly network: Network,
    private readonly rows: { readonly feed: RowFeed; readonly count: number; readonly perRun: number },
    private readonly resident: Feeds,
    private readonly breathe: () => Promise<void>,
  ) {}

  static async open(
    network: Network,
    { validation, resident = {} }: Pick<NetworkData, 'validation' | 'resident'>,
    { engine, work, breathe }: { engine: Engine; work: number; breathe: () => Promise<void> },
  ): Promise<Evaluator> {
    const columns = { ...network.inputs, ...network.targets };
    const session = await openGraph(
      engine,
      fitting(() => evaluation(network, columns)),
    );
    const perRun = Math.max(1, Math.min(MOST_ROWS, Math.floor(WORK_PER_RUN / Math.max(work, 1))));
    const feed = new RowFeed(columns, validation, graphDevice(engine));
    return new Evaluator(
      session,
      network,
      { feed, count: validation.count, perRun },
      residentFeeds(resident),
      breathe,
    );
  }

  async judge(weights: Weights): Promise<Judged> {
    const fed = Object.entries(weightShapes(this.network)).map(
      ([name, dims]) => [`weights/${name}`, float32(weights[name] ?? new Float32Array(0), dims)] as const,
    );
    const fixed = { ...this.resident, ...Object.fromEntries(fed) };
    const { feed, count, perRun } = this.rows;
    let answers = new Float32Array(0);
    let loss = 0;
    for (let from = 0; from < count; from += perRun) {
      const rows = Math.min(perRun, count - from);
      const result = await this.session.run({ ...feed.block(from, rows), ...fixed });
      const block = asFloat32(result['answers']);
      if (from === 0) answers = new Float32Array((block.length / rows) * count);
      answers.set(block, from * (block.length / rows));
      loss += asFloat32(result['loss'])[0] * rows;
      await this.breathe();
    }
    return { answers, loss: loss / count };
  }

  close(): Promise<void> {
    return this.session.close();
  }
}

const evaluation = (network: Network, columns: Readonly<Record<string, Column>>): Uint8Array => {
  const batch = Object.fromEntries(
    Object.entries(columns).map(([name, { dtype, dims }]) => [name, input(name, dtype, ['rows', ...dims])]),
  );
  const resident = Object.fromEntries(
    Object.entries(network.resident ?? {}).map(([name, { dtype, shape }]) => [
      name,
      input(name, dtype, shape),
    ]),
  );
  const weights: Record<string, Value> = Object.fromEntries(
    Object.entries(weightShapes(network)).map(([name, dims]) => [
      name,
      input(`weights/${name}`, 'float32', dims),
    ]),
  );
  const outputs = network.forward({ weights, batch, resident, dropout: noDropout });
  return modelBytes({
    name: 'validation',
    inputs: [...Object.values(batch), ...Object.values(resident), ...Object.values(weights)],
    outputs: { answers: answered(network, outputs), loss: network.loss(outputs, batch) },
  });
};

export const residentFeeds = (resident: NonNullable<NetworkData['resident']>): Feeds =>
  Object.fromEntries(Object.entries(resident).map(([name, { data, dims }]) => [name, tensorOf(data, dims)]));
