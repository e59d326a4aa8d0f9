/** Probabilities of rows that were not learned from, and what turned out to be true for them. */
export interface Labelled {
  readonly classes: number;
  /** Row-major [rows, classes]. */
  readonly probabilities: Float64Array;
  /** Class index a row; never missing. */
  readonly codes: Int32Array;
}

/** Without the rows whose class the model does not know (code -1). */
export const labelledRows = (
  probabilities: ArrayLike<number>,
  codes: ArrayLike<number>,
  classes: number,
): Labelled => {
  const known = Array.from({ length: codes.length }, (_, row) => row).filter((row) => codes[row] >= 0);
  return pick(
    { classes, probabilities: Float64Array.from(probabilities), codes: Int32Array.from(codes) },
    known,
  );
};

/** Some of the rows, in the order given. */
export const pick = ({ classes, probabilities, codes }: Labelled, rows: ArrayLike<number>): Labelled => {
  const picked = new Float64Array(rows.length * classes);
  for (let i = 0; i < rows.length; i++)
    picked.set(probabilities.subarray(rows[i] * classes, (rows[i] + 1) * classes), i * classes);
  return { classes, probabilities: picked, codes: Int32Array.from(rows, (row) => codes[row]) };
};

/** A probability of nothing would cost infinitely much when it comes true after all. */
const LEAST = 1e-15;

/** -log p of the true class, one a row. */
export const logLosses = ({ classes, probabilities, codes }: Labelled): Float64Array =>
  Float64Array.from(codes, (code, row) => -Math.log(Math.max(probabilities[row * classes + code], LEAST)));
