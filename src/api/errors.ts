/** One error shape: `extensions {code, path?, hint?, errorId, requestId}`; what nobody foresaw is masked and logged. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { GraphQLError } from 'graphql';
import type { GraphQLFormattedError } from 'graphql';
import { Failure, FAILURES } from '../../contracts';
import type { FailureCode } from '../../contracts';
import { isUnreachable } from '../platform/database';
import { newId } from '../platform/ids';
import type { Logger } from '../platform/log';

/** The request that is being served: an error without it would have no request id. */
export const serving = new AsyncLocalStorage<Serving>();

export interface Serving {
  readonly requestId: string;
  log: Logger;
  /** Root fields that ran, for the request log. */
  readonly operations: string[];
}

/** What PostgreSQL says about input or load rather than about a bug of ours. */
const SQLSTATES: Readonly<Record<string, () => Failure>> = {
  '22021': () => new Failure('BAD_INPUT', 'a text holds a character that cannot be stored'),
  '22P05': () => new Failure('BAD_INPUT', 'a text holds a character that cannot be stored'),
  '55P03': () => new Failure('CONFLICT', 'something else is changing the same thing; try again'),
  '40P01': () => new Failure('CONFLICT', 'something else is changing the same thing; try again'),
  '57014': () => new Failure('OVERLOADED', 'this took too long; try again, or ask for less'),
};

const original = (error: unknown): unknown => {
  let found = error;
  while (found instanceof GraphQLError && found.originalError !== undefined) found = found.originalError;
  return found;
};

/** The failure behind anything that was thrown while a request was served. */
export const toFailure = (error: unknown): Failure => {
  const cause = original(error);
  if (cause instanceof Failure) return cause;
  if (cause instanceof GraphQLError) {
    const { code } = cause.extensions;
    if (typeof code === 'string' && Object.hasOwn(FAILURES, code))
      return new Failure(code as FailureCode, cause.message);
    // Without a path it was raised by parsing, validation or coercion: the message quotes only the request itself.
    if (cause.path === undefined && code !== 'INTERNAL_SERVER_ERROR')
      return new Failure('BAD_INPUT', cause.message.slice(0, 1000));
  }
  if (isUnreachable(cause)) {
    return new Failure('UNAVAILABLE', 'the database is not reachable at the moment; try again shortly', {
      cause,
    });
  }
  const { code, constraint } = cause as { code?: unknown; constraint?: unknown };
  if (code === '23514' && typeof constraint === 'string' && constraint.endsWith('_transition')) {
    return new Failure('STATE_CONFLICT', 'this cannot be done in the present state; read it again');
  }
  const known = typeof code === 'string' ? SQLSTATES[code] : undefined;
  return (
    known?.() ??
    new Failure('INTERNAL', 'an unexpected error occurred; tell the operator the errorId', { cause })
  );
};

/** Logs a failure as its policy says and gives it the shape that callers see. */
export const present = (
  formatted: Pick<GraphQLFormattedError, 'locations' | 'path'>,
  error: unknown,
): GraphQLFormattedError => {
  const failure = toFailure(error);
  const scope = serving.getStore();
  const errorId = newId();
  const level = failure.policy.log;
  if (level !== 'debug' || failure.cause !== undefined) {
    scope?.log[level === 'debug' ? 'info' : level](
      { errorId, code: failure.code, err: failure.cause },
      'request failed',
    );
  }
  return {
    message: failure.message,
    ...(formatted.locations === undefined ? {} : { locations: formatted.locations }),
    ...(formatted.path === undefined ? {} : { path: formatted.path }),
    extensions: {
      code: failure.code,
      ...(failure.path === undefined ? {} : { path: failure.path }),
      ...(failure.hint === undefined ? {} : { hint: failure.hint }),
      errorId,
      requestId: scope?.requestId ?? null,
    },
  };
};

/** Codes that concern the whole request, whose HTTP status proxies and clients act upon. */
const WHOLE_REQUEST: readonly FailureCode[] = [
  'UNAUTHENTICATED',
  'RATE_LIMITED',
  'OVERLOADED',
  'UNAVAILABLE',
  'METER_UNAVAILABLE',
  'PAYLOAD_TOO_LARGE',
  'QUERY_TOO_DEEP',
  'QUERY_TOO_BROAD',
  'QUERY_TOO_EXPENSIVE',
  'IDEMPOTENCY_CONFLICT',
  'INTERNAL',
];

/** The status of an answer without data, or undefined to leave it. */
export const statusOf = (code: unknown): number | undefined =>
  WHOLE_REQUEST.includes(code as FailureCode) ? FAILURES[code as FailureCode].http : undefined;
