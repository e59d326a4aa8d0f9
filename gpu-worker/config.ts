import { hostname, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { DEVICES, EngineName } from '../contracts';
import type { Device } from '../contracts';
import type { TaskGroup } from './child/protocol';

const slots = (fallback: number) => z.coerce.number().int().min(0).max(64).default(fallback);
const memoryMb = z.coerce.number().int().min(256).max(1_000_000).optional();

const Environment = z.object({
  NATS_URL: z.url(),
  MM_WORKER_ID: z
    .string()
    .regex(/^[a-zA-Z0-9._-]{1,100}$/)
    .optional(),
  MM_SCRATCH_DIR: z.string().min(1).optional(),
  MM_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  MM_SLOTS_TRAIN: slots(1),
  MM_SLOTS_DATA: slots(1),
  /** Limit of one task of either group. */
  MM_TASK_MEMORY_MB: memoryMb,
  MM_TRAIN_MEMORY_MB: memoryMb,
  MM_DATA_MEMORY_MB: memoryMb,
  /** Devices of this worker, best first, e.g. `cuda,cpu`. */
  MM_DEVICES: z.string().default('cpu'),
  MM_ENGINE: EngineName.default('onnxruntime'),
});

/** What a task process needs of the worker's environment; everything else stays behind. */
const PASSED_ON =
  /^(PATH|LANG|LC_ALL|TZ|LD_LIBRARY_PATH|DYLD_LIBRARY_PATH|NODE_EXTRA_CA_CERTS|SSL_CERT_FILE|SSL_CERT_DIR|CUDA_\w+|NVIDIA_\w+|VK_\w+|XDG_RUNTIME_DIR)$/;

export interface WorkerConfig {
  readonly natsUrl: string;
  readonly workerId: string;
  readonly scratchDir: string;
  readonly logLevel: string;
  readonly slots: Readonly<Record<TaskGroup, number>>;
  readonly memoryMb: Readonly<Record<TaskGroup, number>>;
  /** Devices for training tasks that ask for none, best first: the first that works is used. */
  readonly devices: readonly Device[];
  readonly engine: EngineName;
  readonly childEnv: Readonly<Record<string, string>>;
}

/** Throws one readable error that names every wrong variable. */
export const parseConfig = (env: Readonly<Record<string, string | undefined>>): WorkerConfig => {
  const parsed = Environment.safeParse(env);
  if (!parsed.success) {
    const lines = parsed.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`);
    throw new Error(`the environment is incomplete or wrong:\n${lines.join('\n')}`);
  }
  const e = parsed.data;
  const wanted = e.MM_DEVICES.split(',').map((name) => name.trim());
  const devices = wanted.map((name) => {
    const device = DEVICES.find((known) => known === name);
    if (device === undefined)
      throw new Error(`MM_DEVICES: unknown device; choose from ${DEVICES.join(', ')}`);
    return device;
  });
  const passedOn = Object.entries(env).filter((entry): entry is [string, string] => {
    return entry[1] !== undefined && PASSED_ON.test(entry[0]);
  });
  return Object.freeze({
    natsUrl: e.NATS_URL,
    workerId:
      e.MM_WORKER_ID ??
      `${hostname()
        .replace(/[^a-zA-Z0-9._-]/g, '-')
        .slice(0, 80)}-${process.pid}`,
    scratchDir: resolve(e.MM_SCRATCH_DIR ?? join(tmpdir(), 'modelmint-scratch')),
    logLevel: e.MM_LOG_LEVEL,
    slots: { train: e.MM_SLOTS_TRAIN, data: e.MM_SLOTS_DATA },
    memoryMb: {
      train: e.MM_TRAIN_MEMORY_MB ?? e.MM_TASK_MEMORY_MB ?? 2048,
      data: e.MM_DATA_MEMORY_MB ?? e.MM_TASK_MEMORY_MB ?? 1024,
    },
    devices,
    engine: e.MM_ENGINE,
    childEnv: Object.freeze(Object.fromEntries(passedOn)),
  });
};
