/** How long it takes to make a model of what trials brought: to join their files, judge, verify and store them. */
import type { TrialOutcome } from '../../contracts';

export type DoneTrial = Pick<
  Extract<TrialOutcome, { status: 'done' }>,
  'microsPerRow' | 'bytes' | 'fileSeconds'
>;

/** Seconds for messages and small files, however small the model is. */
const FIXED = 0.5;
/** A file is written into the joined one, opened by the judge, and opened to be verified. */
const TIMES = 3;
/** Seconds a byte of a file whose making was not timed. */
const PER_BYTE = 1.5e-7;

/** So many times as long is kept for it: an estimate is one, and the report comes out of the rest. */
export const MARGIN = 2;

/** `rows`: that may be learned from; what a trial's file takes was measured when it was made. */
export const makingSeconds = (rows: number, trials: readonly DoneTrial[]): number =>
  trials.reduce(
    (sum, { microsPerRow, bytes, fileSeconds = bytes * PER_BYTE }) =>
      sum + (rows * microsPerRow) / 1e6 + TIMES * fileSeconds,
    FIXED,
  );
