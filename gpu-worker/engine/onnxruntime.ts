/** The worker's one door to onnxruntime: sessions on the provider that was asked for, always closed again. */
import * as ort from 'onnxruntime-node';
import type { Device } from '../../contracts';
import { input, modelBytes, narrowSplits, op } from '../../onnx';

export type Tensor = ort.Tensor;
export type Feeds = Readonly<Record<string, Tensor>>;

export const ONNXRUNTIME_VERSION: string = ort.env.versions.node ?? ort.env.versions.common;

export interface SessionOptions {
  readonly device?: Device;
  /** Intra-op threads. Nets of a few thousand weights are fastest on one: a second only adds hand-over time. */
  readonly threads?: number;
}

export interface Session {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  /** Cells that each input takes of a row, by name; 1 for a [rows] input. Known of files only. */
  readonly cells?: ReadonlyMap<string, number>;
  /** Computes on this thread: the event loop stands still until it is done, so callers keep runs short. */
  run(feeds: Feeds, outputs?: readonly string[]): Promise<Record<string, Tensor>>;
  close(): Promise<void>;
}

/** A shader of WebGPU can count on eight buffers: the tensor that is split, and its parts. */
const WEBGPU_PARTS = 7;

const optionsOf = (device: Device, threads = 1): ort.InferenceSession.SessionOptions => ({
  executionProviders: device === 'cpu' ? ['cpu'] : [device, 'cpu'],
  intraOpNumThreads: threads,
  interOpNumThreads: 1,
  executionMode: 'sequential',
  graphOptimizationLevel: 'all',
  logSeverityLevel: 3,
});

/**
 * WebGPU forgets its device, and every shader compiled for it, with the last session: one that does nothing stays open until
 * the process ends, so that the folds and trials of a task compile once. After a failure the device may be lost, and what
 * follows begins on another.
 */
class KeptDevice {
  private keeper: Promise<ort.InferenceSession> | undefined;

  async use<T>(work: () => Promise<T>): Promise<T> {
    this.keeper ??= ort.InferenceSession.create(nothing(), optionsOf('webgpu'));
    try {
      await this.keeper;
      return await work();
    } catch (error) {
      const keeper = this.keeper;
      this.keeper = undefined;
      await keeper?.then((session) => session.release()).catch(() => undefined);
      throw error;
    }
  }
}

const nothing = (): Uint8Array => {
  const x = input('x', 'float32', [1]);
  return modelBytes({ name: 'nothing', inputs: [x], outputs: { y: op.Identity(x) } });
};

const webgpu = new KeptDevice();
const onDevice = <T>(device: Device, work: () => Promise<T>): Promise<T> =>
  device === 'webgpu' ? webgpu.use(work) : work();

let open = 0;
/** How many sessions are open in this process; a test fails when one is left. */
export const openSessionCount = (): number => open;

export const openSession = async (model: Uint8Array, options: SessionOptions = {}): Promise<Session> => {
  const device = options.device ?? 'cpu';
  const fitting = device === 'webgpu' ? narrowSplits(model, WEBGPU_PARTS) : model;
  const session = await onDevice(device, () =>
    ort.InferenceSession.create(fitting, optionsOf(device, options.threads)),
  );
  open++;
  let closed = false;
  return {
    inputNames: session.inputNames,
    outputNames: session.outputNames,
    cells: new Map(
      session.inputMetadata.map((of) => [
        of.name,
        of.isTensor && of.shape.length === 2 ? Number(of.shape[1]) : 1,
      ]),
    ),
    run: (feeds, outputs) =>
      onDevice(device, () => (outputs === undefined ? session.run(feeds) : session.run(feeds, [...outputs]))),
    close: async () => {
      if (closed) return;
      closed = true;
      open--;
      await session.release();
    },
  };
};

/** Opens, uses and closes; the session cannot outlive `use`. */
export const withSession = async <T>(
  model: Uint8Array,
  options: SessionOptions,
  use: (session: Session) => Promise<T>,
): Promise<T> => {
  const session = await openSession(model, options);
  try {
    return await use(session);
  } finally {
    await session.close();
  }
};

export const float32 = (data: Float32Array, dims: readonly number[]): Tensor =>
  new ort.Tensor('float32', data, dims);
export const float64 = (data: Float64Array, dims: readonly number[]): Tensor =>
  new ort.Tensor('float64', data, dims);
export const int64 = (data: BigInt64Array, dims: readonly number[]): Tensor =>
  new ort.Tensor('int64', data, dims);
export const int32 = (data: Int32Array, dims: readonly number[]): Tensor =>
  new ort.Tensor('int32', data, dims);
export const uint8 = (data: Uint8Array, dims: readonly number[]): Tensor =>
  new ort.Tensor('uint8', data, dims);
export const strings = (data: string[], dims: readonly number[]): Tensor =>
  new ort.Tensor('string', data, dims);

export const asFloat32 = (tensor: Tensor | undefined): Float32Array => {
  if (tensor?.data instanceof Float32Array) return tensor.data;
  throw new Error(`expected a float32 tensor, got ${tensor?.type ?? 'nothing'}`);
};

/** 1 = true. */
export const asBooleans = (tensor: Tensor | undefined): Uint8Array => {
  if (tensor?.type === 'bool') return tensor.data as Uint8Array;
  throw new Error(`expected a bool tensor, got ${tensor?.type ?? 'nothing'}`);
};

export const asStrings = (tensor: Tensor | undefined): string[] => {
  if (tensor?.type === 'string') return tensor.data as string[];
  throw new Error(`expected a string tensor, got ${tensor?.type ?? 'nothing'}`);
};
