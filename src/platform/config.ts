import { z } from 'zod';

const milliseconds = (fallback: number) => z.coerce.number().int().min(10).max(86_400_000).default(fallback);

const Environment = z.object({
  MM_PORT: z.coerce.number().int().min(0).max(65535).default(4000),
  MM_HOST: z.string().default('127.0.0.1'),
  /** Where partners and the worker reach the gateway; default http://<host>:<port>. */
  MM_PUBLIC_URL: z.string().url().optional(),
  APP_DATABASE_URL: z.string(),
  PLATFORM_DATABASE_URL: z.string(),
  NATS_URL: z.string(),
  OBJECT_STORE_URL: z.string(),
  AWS_ACCESS_KEY_ID: z.string().optional(),
  AWS_SECRET_ACCESS_KEY: z.string().optional(),
  MM_SECRET: z.string().min(40),
  MM_GATEWAY_ID: z
    .string()
    .regex(/^[a-zA-Z0-9_-]{1,64}$/)
    .optional(),
  MM_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  MM_LEASE_MS: milliseconds(15_000),
  MM_HEARTBEAT_MS: milliseconds(1_000),
  MM_TASK_TIMEOUT_MS: milliseconds(3_600_000),
  MM_RUNNERS: z.coerce.number().int().min(1).max(64).default(1),
  MM_RUNNER_MEMORY_MB: z.coerce.number().int().min(64).max(1_000_000).default(1024),
  MM_RUNNER_TIMEOUT_MS: milliseconds(10_000),
  MM_SESSION_CACHE_MB: z.coerce.number().int().min(16).max(1_000_000).default(512),
  MM_RATE_PER_SECOND: z.coerce.number().int().min(1).max(10_000_000).default(2000),
  MM_MAX_UPLOAD_BYTES: z.coerce
    .number()
    .int()
    .min(1)
    .default(2 * 1024 ** 3),
});

/** Parsed once in main.ts, frozen, passed. */
export interface Config {
  readonly port: number;
  readonly host: string;
  readonly publicUrl: string | null;
  readonly appDatabaseUrl: string;
  readonly platformDatabaseUrl: string;
  readonly natsUrl: string;
  readonly objectStoreUrl: string;
  /** For `s3:`; null leaves it to the client's own places. */
  readonly s3Credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } | null;
  /** 32 bytes or more: signs upload tokens, seals idempotent answers. */
  readonly secret: Buffer;
  readonly gatewayId: string | null;
  readonly logLevel: string;
  readonly leaseMs: number;
  readonly heartbeatMs: number;
  readonly taskTimeoutMs: number;
  readonly runners: number;
  readonly runnerMemoryMb: number;
  readonly runnerTimeoutMs: number;
  readonly sessionCacheMb: number;
  /** Requests a second of one credential; twice that in a burst. */
  readonly ratePerSecond: number;
  readonly maxUploadBytes: number;
}

/** Throws one readable error that names every wrong variable. */
export const parseConfig = (env: Record<string, string | undefined>): Config => {
  const parsed = Environment.safeParse(env);
  if (!parsed.success) {
    const lines = parsed.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`);
    throw new Error(`the environment is incomplete or wrong:\n${lines.join('\n')}`);
  }
  const e = parsed.data;
  return Object.freeze({
    port: e.MM_PORT,
    host: e.MM_HOST,
    publicUrl: e.MM_PUBLIC_URL ?? null,
    appDatabaseUrl: e.APP_DATABASE_URL,
    platformDatabaseUrl: e.PLATFORM_DATABASE_URL,
    natsUrl: e.NATS_URL,
    objectStoreUrl: e.OBJECT_STORE_URL,
    s3Credentials:
      e.AWS_ACCESS_KEY_ID === undefined || e.AWS_SECRET_ACCESS_KEY === undefined
        ? null
        : { accessKeyId: e.AWS_ACCESS_KEY_ID, secretAccessKey: e.AWS_SECRET_ACCESS_KEY },
    secret: Buffer.from(e.MM_SECRET, 'base64'),
    gatewayId: e.MM_GATEWAY_ID ?? null,
    logLevel: e.MM_LOG_LEVEL,
    leaseMs: e.MM_LEASE_MS,
    heartbeatMs: e.MM_HEARTBEAT_MS,
    taskTimeoutMs: e.MM_TASK_TIMEOUT_MS,
    runners: e.MM_RUNNERS,
    runnerMemoryMb: e.MM_RUNNER_MEMORY_MB,
    runnerTimeoutMs: e.MM_RUNNER_TIMEOUT_MS,
    sessionCacheMb: e.MM_SESSION_CACHE_MB,
    ratePerSecond: e.MM_RATE_PER_SECOND,
    maxUploadBytes: e.MM_MAX_UPLOAD_BYTES,
  });
};
