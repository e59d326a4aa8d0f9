/**
 * Every failure is a code, and what to do about it stands in one table that the API, the worker and the log all
 * read. A code without a policy does not compile.
 */
export type Fault =
  | 'caller' // the request is wrong: say what and how, do not retry
  | 'platform'; // we are at fault or short of something: retry may help

export interface FailurePolicy {
  readonly fault: Fault;
  readonly http: number;
  /** A task that failed with this code is tried again while attempts are left. */
  readonly retry: boolean;
  readonly log: 'debug' | 'info' | 'warn' | 'error';
}

const caller = (http: number, log: FailurePolicy['log'] = 'debug'): FailurePolicy => ({
  fault: 'caller',
  http,
  retry: false,
  log,
});
const platform = (http: number, retry = true): FailurePolicy => ({
  fault: 'platform',
  http,
  retry,
  log: 'error',
});

export const FAILURES = {
  // request and access
  BAD_INPUT: caller(400),
  NOT_FOUND: caller(404),
  UNAUTHENTICATED: caller(401, 'info'),
  FORBIDDEN: caller(403, 'info'),
  CONFLICT: caller(409),
  STATE_CONFLICT: caller(409),
  RATE_LIMITED: caller(429, 'info'),
  QUERY_TOO_DEEP: caller(400),
  QUERY_TOO_BROAD: caller(400),
  QUERY_TOO_EXPENSIVE: caller(400),
  IDEMPOTENCY_CONFLICT: caller(409),
  PAYLOAD_TOO_LARGE: caller(413),
  UPLOAD_EXPIRED: caller(403),
  UPLOAD_INCOMPLETE: caller(400),
  UPLOAD_TOO_LARGE: caller(413),
  CHECKSUM_MISMATCH: caller(400),
  // dataset
  EMPTY_FILE: caller(400),
  NO_ROWS: caller(400),
  TOO_FEW_COLUMNS: caller(400),
  TOO_MANY_COLUMNS: caller(400),
  DUPLICATE_COLUMN: caller(400),
  CELL_TOO_LARGE: caller(400),
  LINE_TOO_LONG: caller(400),
  INVALID_ENCODING: caller(400),
  UNKNOWN_FORMAT: caller(400),
  RAGGED_ROWS: caller(400),
  NOT_FINITE: caller(400),
  NUMBER_OUT_OF_RANGE: caller(400),
  BAD_IMAGE: caller(400),
  TARGET_MISSING: caller(400),
  TARGET_CONSTANT: caller(400),
  TARGET_EMPTY: caller(400),
  TARGET_NOT_NUMERIC: caller(400),
  TARGET_TOO_MANY_CLASSES: caller(400),
  TOO_FEW_ROWS: caller(400),
  TOO_FEW_GROUPS: caller(400),
  DATASET_SEALED: caller(409),
  DATASET_CHANGED: caller(409, 'warn'),
  // training
  BAD_SPEC: caller(400),
  NO_USABLE_FEATURES: caller(400),
  LOSS_NOT_FINITE: caller(422, 'info'),
  BUDGET_SPENT: caller(422, 'info'),
  CANCELED: caller(409, 'info'),
  VERIFY_FAILED: platform(500, false),
  WORKER_LOST: platform(503),
  ATTEMPTS_EXHAUSTED: platform(500, false),
  TASK_TIMEOUT: platform(504, false),
  OUT_OF_MEMORY: caller(422, 'warn'),
  // prediction
  UNKNOWN_COLUMN: caller(400),
  MISSING_COLUMN: caller(400),
  WRONG_TYPE: caller(400),
  UNKNOWN_CATEGORY: caller(400),
  TOO_MANY_ROWS: caller(400),
  DEPLOYMENT_NOT_READY: caller(409),
  MODEL_TIMEOUT: platform(504, false),
  MODEL_OUT_OF_MEMORY: platform(507, false),
  MODEL_FAILED: platform(500, false),
  OVERLOADED: { ...platform(503), log: 'warn' },
  METER_UNAVAILABLE: platform(503),
  FEEDBACK_NEEDS_ROW: caller(409),
  NO_TRUTH: caller(409),
  // platform
  UNAVAILABLE: { ...platform(503), log: 'warn' },
  INTERNAL: platform(500),
} as const satisfies Record<string, FailurePolicy>;

export type FailureCode = keyof typeof FAILURES;

export const isFailureCode = (text: unknown): text is FailureCode =>
  typeof text === 'string' && Object.hasOwn(FAILURES, text);

export interface FailureDetail {
  /** Where in the input, e.g. `['rows', 0, 'area']`. */
  readonly path?: readonly (string | number)[];
  /** What to do about it, in a sentence; lists the valid choices where there is a closed set. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/** The one error class. `message` is safe for the caller: it holds ids and names, never a data value or a secret. */
export class Failure extends Error {
  readonly path?: readonly (string | number)[];
  readonly hint?: string;
  constructor(
    readonly code: FailureCode,
    message: string,
    detail: FailureDetail = {},
  ) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.name = 'Failure';
    this.path = detail.path;
    this.hint = detail.hint;
  }
  get policy(): FailurePolicy {
    return FAILURES[this.code];
  }
}

export const fail = (code: FailureCode, message: string, detail?: FailureDetail): never => {
  throw new Failure(code, message, detail);
};

export const asFailure = (error: unknown): Failure =>
  error instanceof Failure
    ? error
    : new Failure('INTERNAL', 'an unexpected error occurred', { cause: error });

/** `unknown task "regresion"; one of: regression, classification` */
export const oneOf = (what: string, got: string, choices: readonly string[]): string =>
  `unknown ${what} ${JSON.stringify(got.slice(0, 100))}; one of: ${choices.join(', ')}`;
