/** Where a training is computed: onnxruntime on one of its providers, or TensorFlow where its package is installed. */
import { DEVICES, Failure } from '../../contracts';
import type { Device, EngineName } from '../../contracts';
import type { CompiledTraining } from '../../onnx';
import { ONNXRUNTIME_VERSION, openSession } from './onnxruntime';
import type { Session, SessionOptions } from './onnxruntime';
import { loadTensorFlow, TENSORFLOW_INSTALL } from './tensorflow/load';
import type { TensorFlow } from './tensorflow/call';
import { TensorFlowTraining } from './tensorflow/training';
import { runTinyTraining, tinyTraining } from './tiny-training';

export interface Engine {
  readonly name: EngineName;
  readonly device: Device;
  readonly version: string;
}

/** What drivers and allocators say when memory is refused; WebGPU hands out a buffer that is «invalid» and goes on. */
const MEMORY_REFUSED =
  /out of memory|bad_alloc|failed to allocate|allocation failed|cannot allocate|CUDA_ERROR_OUT_OF_MEMORY|exceeds the (max|limit)|device (is |was )?lost|invalid due to a previous error/i;

/**
 * A session that takes the feeds of `compiled` and gives its outputs, on the engine's device. A run that the device has
 * not enough memory for fails with OUT_OF_MEMORY, here and in `openGraph`.
 */
export const openTraining = async (
  engine: Engine,
  compiled: CompiledTraining,
  options: Pick<SessionOptions, 'threads'> = {},
): Promise<Session> =>
  engine.name === 'tensorflow'
    ? runningOn(engine.device, new TensorFlowTraining(tensorFlow(), compiled))
    : openGraph(engine, compiled.bytes, options);

/** A graph beside the training, by onnxruntime on `graphDevice`. */
export const openGraph = async (
  engine: Engine,
  bytes: Uint8Array,
  options: Pick<SessionOptions, 'threads'> = {},
): Promise<Session> => {
  const device = graphDevice(engine);
  return runningOn(device, await named(device, openSession(bytes, { ...options, device })));
};

/** Beside TensorFlow onnxruntime keeps to the cpu: the two need different versions of CUDA. */
export const graphDevice = ({ name, device }: Engine): Device => (name === 'onnxruntime' ? device : 'cpu');

const runningOn = (device: Device, session: Session): Session =>
  device === 'cpu'
    ? session
    : {
        inputNames: session.inputNames,
        outputNames: session.outputNames,
        run: (feeds, outputs) => named(device, session.run(feeds, outputs)),
        close: () => session.close(),
      };

const named = async <T>(device: Device, work: Promise<T>): Promise<T> => {
  try {
    return await work;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (device === 'cpu' || !MEMORY_REFUSED.test(message)) throw error;
    throw new Failure('OUT_OF_MEMORY', `the training does not fit into the memory of the ${device} device`, {
      hint: 'use a smaller batchSize or model, or the device cpu',
      cause: error,
    });
  }
};

const tensorFlow = (): TensorFlow => {
  const loaded = loadTensorFlow();
  if ('tf' in loaded) return loaded.tf;
  throw new Failure('BAD_SPEC', `engine tensorflow is not available on this worker: ${loaded.missing}`, {
    path: ['engine'],
    hint: `leave the engine out, or install it there: ${TENSORFLOW_INSTALL}`,
  });
};

/** A device that trains as the cpu does, proved by a tiny training on it; else why not. */
export const tryEngine = async (
  name: EngineName,
  device: Device,
): Promise<
  { readonly version: string; readonly stepMs: number } | { readonly why: string; readonly error: unknown }
> => {
  try {
    const version = name === 'tensorflow' ? tensorFlowVersion(device) : ONNXRUNTIME_VERSION;
    const compiled = tinyTraining();
    const session = await openTraining({ name, device, version }, compiled);
    try {
      return { version, stepMs: await runTinyTraining(session, compiled) };
    } finally {
      await session.close();
    }
  } catch (error) {
    return { why: whyNot(error), error };
  }
};

/** The first line of what went wrong. */
export const whyNot = (error: unknown): string => {
  const [line = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
  // onnxruntime says where in its own source before it says what.
  return line.replace(/^\/\S+ .*?\bwas (true|false)\. /, '').slice(0, 200);
};

/** tfjs-node-gpu falls back to the cpu by itself: then its GPU does not work. */
const tensorFlowVersion = (device: Device): string => {
  const tf = tensorFlow();
  const backend = tf.backend() as { readonly isUsingGpuDevice?: boolean };
  const has: Device = backend.isUsingGpuDevice === true ? 'cuda' : 'cpu';
  if (device !== has) throw new Error(`TensorFlow computes on ${has} here`);
  return tf.version_core;
};

/**
 * The engine for a task, cpu and onnxruntime where nothing is asked for. Throws BAD_SPEC, listing what works here, when
 * the device does not.
 */
export const chooseEngine = async (
  device: Device | null,
  name: EngineName = 'onnxruntime',
): Promise<Engine> => {
  if (name === 'onnxruntime' && (device ?? 'cpu') === 'cpu')
    return { name, device: 'cpu', version: ONNXRUNTIME_VERSION };
  const wanted = device ?? (name === 'tensorflow' ? tensorFlowDevice() : 'cpu');
  const found = await tryEngine(name, wanted);
  if ('version' in found) return { name, device: wanted, version: found.version };
  const here: string[] = [];
  for (const other of DEVICES)
    if (other !== wanted && 'version' in (await tryEngine(name, other))) here.push(other);
  throw new Failure(
    'BAD_SPEC',
    `device ${wanted} is not available on this worker; one of: ${here.join(', ')}`,
    {
      path: ['device'],
      hint: "leave the device out to train on the worker's own choice",
      cause: found.error,
    },
  );
};

const tensorFlowDevice = (): Device => {
  const backend = tensorFlow().backend() as { readonly isUsingGpuDevice?: boolean };
  return backend.isUsingGpuDevice === true ? 'cuda' : 'cpu';
};
