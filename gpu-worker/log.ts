import { pino } from 'pino';
import type { Logger } from 'pino';

export type { Logger };

/** Structured logs on standard output. Ids, codes and names only: never a row, a tensor, a signed URL or a secret. */
export const createLogger = (level: string): Logger =>
  pino({ name: 'gpu-worker', level, timestamp: pino.stdTimeFunctions.isoTime });

/** Where an unexpected error came from, without its message: a message may quote a data value. */
export const errorOrigin = (error: unknown): { name: string; at: string } => {
  if (!(error instanceof Error)) return { name: typeof error, at: '' };
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  return {
    name: error.name,
    at: frames
      .slice(0, 6)
      .map((line) => line.trim())
      .join(' | '),
  };
};
