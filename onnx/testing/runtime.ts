import { InferenceSession, Tensor } from 'onnxruntime-node';
import { modelBytes } from '../emit';
import type { CompiledTraining } from '../training';
import type { Value } from '../value';

/** Runs graphs of tests in onnxruntime, on one thread. */

type Feed = Float32Array | Int32Array | BigInt64Array | readonly string[] | Uint8Array;
export interface FeedTensor {
  readonly data: Feed;
  readonly dims: readonly number[];
}

const ortTensor = ({ data, dims }: FeedTensor): Tensor => {
  if (data instanceof Float32Array) return new Tensor('float32', data, dims);
  if (data instanceof Int32Array) return new Tensor('int32', data, dims);
  if (data instanceof BigInt64Array) return new Tensor('int64', data, dims);
  if (data instanceof Uint8Array) return new Tensor('bool', data, dims);
  return new Tensor('string', [...data], dims);
};

export const openSession = (bytes: Uint8Array): Promise<InferenceSession> =>
  InferenceSession.create(bytes, { intraOpNumThreads: 1, interOpNumThreads: 1 });

export const runSession = async (
  session: InferenceSession,
  feeds: Readonly<Record<string, FeedTensor>>,
): Promise<Record<string, { data: unknown; dims: readonly number[]; numbers: number[] }>> => {
  const results = await session.run(
    Object.fromEntries(Object.entries(feeds).map(([name, feed]) => [name, ortTensor(feed)])),
  );
  return Object.fromEntries(
    Object.entries(results).map(([name, { data, dims }]) => [
      name,
      { data, dims, numbers: Array.from(data as ArrayLike<number | bigint>, Number) },
    ]),
  );
};

/** Builds a model of the outputs, runs it once, and closes it. */
export const evaluate = async (
  outputs: Readonly<Record<string, Value>>,
  inputs: readonly Value[] = [],
  feeds: Readonly<Record<string, FeedTensor>> = {},
) => {
  const session = await openSession(modelBytes({ name: 'test', inputs, outputs }));
  try {
    return await runSession(session, feeds);
  } finally {
    await session.release();
  }
};

export interface TrainingRun {
  readonly weights: Readonly<Record<string, Float32Array>>;
  readonly data: Readonly<Record<string, FeedTensor>>;
  /** Row numbers of all steps, batchSize each. */
  readonly index: Int32Array;
  readonly learningRate: number;
  readonly seed?: number;
  /** How many steps each session.run takes; all in one when left out. */
  readonly chunks?: readonly number[];
}

/** Trains with a compiled model and returns what it reports and where it ends. */
export const train = async (compiled: CompiledTraining, run: TrainingRun) => {
  const session = await openSession(compiled.bytes);
  const reports = Object.fromEntries(compiled.reports.map((name) => [name, [] as number[]]));
  let state = compiled.initialState(run.weights);
  let step = 0;
  try {
    for (const steps of run.chunks ?? [run.index.length / compiled.batchSize]) {
      const feeds: Record<string, FeedTensor> = { ...run.data };
      const rows = run.index.slice(step * compiled.batchSize, (step + steps) * compiled.batchSize);
      feeds[compiled.index] = { data: rows, dims: [steps, compiled.batchSize] };
      for (const [name, data] of Object.entries(compiled.coefficients(step, steps, run.learningRate)))
        feeds[name] = { data, dims: [steps] };
      const drawn = compiled.drawn(run.seed ?? 1, step, steps);
      for (const { input, dims } of compiled.draws)
        feeds[input] = { data: drawn[input] ?? [], dims: [steps, ...dims] };
      for (const { input, dims } of compiled.state) feeds[input] = { data: state[input] ?? [], dims };
      const results = await runSession(session, feeds);
      for (const [name, values] of Object.entries(reports)) values.push(...(results[name]?.numbers ?? []));
      state = Object.fromEntries(
        compiled.state.map(({ input, output }) => [input, results[output]?.data as Float32Array]),
      );
      step += steps;
    }
  } finally {
    await session.release();
  }
  return { reports, loss: reports.loss ?? [], weights: compiled.weightsOf(state), state };
};
