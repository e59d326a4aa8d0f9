import { pino } from 'pino';
import type { Logger } from 'pino';
import { safeError } from './safe-error';

export type { Logger };

/** Structured logs on standard output. Ids and names only: never a row, a tensor or a secret. */
export const createLogger = (name: string, level: string): Logger =>
  pino({
    name,
    level,
    serializers: { err: safeError },
    redact: {
      paths: [
        'password',
        'secret',
        'authorization',
        'cookie',
        'token',
        '*.password',
        '*.secret',
        '*.authorization',
        '*.cookie',
        '*.token',
        'req.headers',
      ],
      censor: '[redacted]',
    },
    timestamp: pino.stdTimeFunctions.isoTime,
  });
