/** What this machine can train on, each combination tried in a process of its own: a driver may crash or hang. */
import { execFile } from 'node:child_process';
import { z } from 'zod';
import { DEVICES, Device, ENGINES, EngineName } from '../../contracts';
import type { WorkerConfig } from '../config';
import type { Logger } from '../log';
import { hardwareOf } from './device';
import { tryEngine } from './engine';
import { measureMixed, MixedFinding } from './mixed';

export const Finding = z.object({
  engine: EngineName,
  device: Device,
  /** Null where it does not work. */
  version: z.string().nullable(),
  /** One run of three tiny training steps, after a first. */
  stepMs: z.number().nullable(),
  why: z.string().nullable(),
  /** Of GPUs that work. */
  mixed: MixedFinding.optional(),
  name: z.string(),
  memoryBytes: z.number().nullable(),
});
export type Finding = z.infer<typeof Finding>;

/** In the process that tries. */
export const findOut = async (
  engine: EngineName,
  device: Device,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Finding> => {
  const [found, hardware] = [await tryEngine(engine, device), await hardwareOf(device, env)];
  if (!('version' in found))
    return { engine, device, version: null, stepMs: null, why: found.why, ...hardware };
  const { version } = found;
  const mixed = device === 'cpu' ? undefined : await measureMixed({ name: engine, device, version });
  return { engine, device, ...found, why: null, ...(mixed && { mixed }), ...hardware };
};

/** The first use of a GPU compiles its shaders. */
const TRY_MS = 120_000;

/** `script`: the compiled doctor.main.js, which calls `findOut`; `env`: of the process that tries. */
export const findOutApart = (
  script: string,
  engine: EngineName,
  device: Device,
  env: NodeJS.ProcessEnv,
): Promise<Finding> =>
  new Promise((resolve) => {
    const args = [script, '--try', engine, device];
    execFile(process.execPath, args, { env, timeout: TRY_MS, killSignal: 'SIGKILL' }, (error, stdout) => {
      const parsed = Finding.safeParse(json(stdout.split('\n').at(-2) ?? ''));
      if (parsed.success) return resolve(parsed.data);
      const why =
        error?.killed === true ? `no answer within ${TRY_MS / 1000} s` : `the process trying it crashed`;
      resolve({ engine, device, version: null, stepMs: null, why, name: device, memoryBytes: null });
    });
  });

const json = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** Every combination that there is. TensorFlow has no WebGPU backend in Node. */
export const survey = async (script: string, env: NodeJS.ProcessEnv): Promise<Finding[]> => {
  const found: Finding[] = [];
  for (const engine of ENGINES)
    for (const device of DEVICES)
      if (engine === 'onnxruntime' || device !== 'webgpu')
        found.push(await findOutApart(script, engine, device, env));
  return found;
};

/**
 * The first device that trains as the cpu does, told with its name and memory. Where none of `devices` works the worker
 * goes on with the cpu and says why.
 */
export const workingDevice = async (
  { devices, engine, childEnv }: Pick<WorkerConfig, 'devices' | 'engine' | 'childEnv'>,
  script: string,
  log: Logger,
): Promise<Device> => {
  if (engine === 'onnxruntime' && devices[0] === 'cpu') {
    // Every worker has it, and its processes train on it before they take a task.
    log.info({ engine, device: 'cpu', ...(await hardwareOf('cpu', childEnv)) }, 'training device');
    return 'cpu';
  }
  for (const device of devices) {
    const { why, name, memoryBytes, stepMs, mixed } = await findOutApart(script, engine, device, childEnv);
    if (why === null) {
      log.info({ engine, device, name, memoryBytes, stepMs, mixed }, 'training device');
      return device;
    }
    log.warn({ engine, device, why }, 'training device does not work here');
  }
  return 'cpu';
};
