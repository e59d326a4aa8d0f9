import type { Finish } from '../../contracts';
import type { ChildEnding } from '../child/task-child';
import type { Logger } from '../log';

/** What an attempt ended in: something to finish with, or a lost lease, after which nothing is written. */
export type Outcome = Finish['outcome'] | { readonly status: 'lost'; readonly why: 'refused' | 'expired' };

/** How a child's ending is told to the control plane. */
export const outcomeOf = (ending: ChildEnding, log: Logger): Finish['outcome'] => {
  switch (ending.kind) {
    case 'done':
      return { status: 'succeeded', result: ending.result };
    case 'failed': {
      const { code, message, hint, column, origin } = ending.failure;
      if (origin !== null) log.error({ code, origin }, 'task failed for a reason of ours');
      return { status: 'failed', code, message, hint, column };
    }
    case 'out-of-memory':
      log.warn({ peakBytes: ending.peakBytes }, 'task killed for its memory');
      return {
        status: 'failed',
        code: 'OUT_OF_MEMORY',
        message: 'the task needed more memory than it may use',
        hint: 'use fewer rows or columns, or a smaller model',
        column: null,
      };
    case 'died':
      log.error({ exitCode: ending.exitCode, signal: ending.signal }, 'task process died');
      return platformFailure('WORKER_LOST', 'the process of the task ended unexpectedly');
    case 'garbled':
      log.error('task ended in a way that the contract does not know');
      return platformFailure('INTERNAL', 'the task ended in a way that the platform does not understand');
  }
};

export const platformFailure = (code: 'WORKER_LOST' | 'INTERNAL', message: string): Finish['outcome'] => ({
  status: 'failed',
  code,
  message,
  hint: null,
  column: null,
});

export interface Deferred<T> {
  readonly promise: Promise<T>;
  /** The first call counts. */
  resolve(value: T): void;
}

export const deferred = <T>(): Deferred<T> => {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
};
