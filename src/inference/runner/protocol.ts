/** What gateway and runner process say to each other over the child-process channel (structured clone). */
import type { FailureCode } from '../../../contracts';

/** One typed input column; missing values are NaN, '' and the smallest int64 (see tabular). */
export type Column = Float64Array | BigInt64Array | string[];

export type ToRunner =
  | { readonly t: 'load'; readonly id: number; readonly model: string; readonly path: string }
  | {
      readonly t: 'run';
      readonly id: number;
      readonly model: string;
      readonly rows: number;
      readonly columns: Readonly<Record<string, Column>>;
    }
  | { readonly t: 'drop'; readonly model: string };

export const VALUE_TYPES = [Float32Array, Float64Array, BigInt64Array, Uint8Array] as const;

/** One output of the model, row-major: `each` values a row. */
export interface Output {
  /** Booleans are bytes. */
  readonly values: InstanceType<(typeof VALUE_TYPES)[number]> | string[];
  readonly each: number;
}

export interface RunOutputs {
  readonly rows: number;
  readonly outputs: Readonly<Record<string, Output>>;
  readonly computeNs: bigint;
}

export type FromRunner =
  | { readonly t: 'ready' }
  | { readonly t: 'done'; readonly id: number; readonly outputs: RunOutputs | null }
  | { readonly t: 'failed'; readonly id: number; readonly code: FailureCode; readonly message: string };
