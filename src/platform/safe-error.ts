/**
 * What a log may say of an error. PostgreSQL quotes values in messages and details, and TypeORM adds the statement with
 * its parameters: none of it is written, only the code and where it happened.
 */
export interface LoggedError {
  readonly type: string;
  readonly code?: string;
  readonly message?: string;
  readonly stack?: string;
  readonly constraint?: string;
  readonly cause?: LoggedError;
}

const SQLSTATE = /^[0-9A-Z]{5}$/;
const MOST_CAUSES = 5;

const frames = (stack: string | undefined): string =>
  (stack ?? '')
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .join('\n');

export const safeError = (error: unknown, depth = 0): LoggedError => {
  if (!(error instanceof Error)) return { type: typeof error };
  const { code, constraint } = error as { code?: unknown; constraint?: unknown };
  // Whatever has a SQLSTATE speaks of data, and so does what wraps it.
  const quotesData =
    (typeof code === 'string' && SQLSTATE.test(code)) || 'driverError' in error || 'parameters' in error;
  return {
    type: error.name,
    ...(typeof code === 'string' ? { code } : {}),
    ...(quotesData ? {} : { message: error.message }),
    stack: quotesData ? frames(error.stack) : (error.stack ?? ''),
    ...(typeof constraint === 'string' ? { constraint } : {}),
    ...(error.cause === undefined || depth >= MOST_CAUSES
      ? {}
      : { cause: safeError(error.cause, depth + 1) }),
  };
};
