/** Small ONNX files for tests, good and hostile, made with the project's own builder. */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { constant, input, modelBytes, op, scalar, tensor } from '../../../onnx';
import type { Value } from '../../../onnx';
import type { Sha256, TenantId } from '../../../contracts';
import type { OpenFile, ServedFile } from '../runner/model-files';

const model = (prediction: Value, ...inputs: Value[]): Uint8Array =>
  modelBytes({ name: 'test', inputs, outputs: { prediction } });
const x = (): Value => input('x', 'float64', ['n', 1]);
const flat = (value: Value): Value => op.Squeeze(value, [1]);

/** prediction = factor * x + 1 */
export const linearModel = (factor: number): Uint8Array => {
  const column = x();
  return model(flat(op.Add(op.Mul(op.Cast(column, 'float32'), factor), 1)), column);
};

/** prediction = x, later: `steps` additions in a Loop, about 2 µs each. */
export const slowModel = (steps: number): Uint8Array => {
  const column = x();
  const start = op.Cast(column, 'float32');
  const looped = op.Loop({
    steps: op.scalarInt64(steps),
    state: [start],
    length: 'steps',
    body: (_step, [state]) => ({ state: [op.Max(state, op.Sub(state, 1))] }),
  });
  return model(flat(looped.state[0]), column);
};

/** A Loop that never ends within a human life. */
export const endlessModel = (): Uint8Array => slowModel(2 ** 52);

/** Wants 8 GB for one intermediate. */
export const hugeModel = (): Uint8Array => {
  const column = x();
  const sum = op.ReduceSum(column, { axes: [0, 1], keepDims: true });
  const wide = op.ReduceSum(op.Add(op.Expand(sum, [1, 2 ** 30]), 1), { axes: [0, 1] });
  return model(flat(op.Cast(op.Add(column, wide), 'float32')), column);
};

/** Fails on negative numbers (an index out of range), works on others. */
export const pickyModel = (): Uint8Array => {
  const column = x();
  const table = constant(tensor('float32', [5, 6, 7]));
  const index = op.Cast(
    op.Where(op.Less(column, scalar(0, 'float64')), scalar(99, 'float64'), column),
    'int64',
  );
  return model(flat(op.Gather(table, index)), column);
};

/** Of x[0..2]: two steps ahead of two targets, x[2] and 10 x[2], then both 1 more; two levels, 1 less and 1 more. */
export const forecastModel = (): Uint8Array => {
  const cells = input('x', 'float64', ['n', 3]);
  const last = op.Cast(op.Slice(cells, [{ axis: 1, start: 2, end: 3 }]), 'float32');
  const times = op.Mul(last, constant(tensor('float32', [1, 10, 1, 10], [1, 4])));
  const points = op.Reshape(op.Add(times, constant(tensor('float32', [0, 0, 1, 1], [1, 4]))), ['n', 2, 2]);
  const levels = constant(tensor('float32', [-1, 1], [1, 1, 1, 2]));
  const quantiles = op.Add(op.Reshape(points, ['n', 2, 2, 1]), levels);
  return modelBytes({ name: 'test', inputs: [cells], outputs: { prediction: points, quantiles } });
};

/** The class `yes` with the probability x, `no` otherwise. */
export const classModel = (yes: string, no: string): Uint8Array => {
  const share = x();
  const probability = op.Cast(share, 'float32');
  const label = op.IntToString(op.Cast(op.Greater(flat(share), 0.5), 'int64'), [0, 1], [no, yes], no);
  return modelBytes({
    name: 'test',
    inputs: [share],
    outputs: { prediction: label, probabilities: op.Concat([op.Sub(1, probability), probability], 1) },
  });
};

export class ModelShelf {
  private readonly files = new Map<string, Uint8Array>();
  /** How often each key was read. */
  readonly reads = new Map<string, number>();

  add(tenantId: TenantId, bytes: Uint8Array): ServedFile {
    const sha256 = createHash('sha256').update(bytes).digest('hex') as Sha256;
    const key = `t/${tenantId}/model/${sha256}`;
    this.files.set(key, bytes);
    return { tenantId, onnx: { key, sha256, sizeBytes: bytes.length } };
  }
  replace(file: ServedFile, bytes: Uint8Array): void {
    this.files.set(file.onnx.key, bytes);
  }
  readonly open: OpenFile = async (key) => {
    this.reads.set(key, (this.reads.get(key) ?? 0) + 1);
    const bytes = this.files.get(key);
    if (!bytes) throw new Error('no such object');
    return Readable.from([Buffer.from(bytes)]);
  };
}
