import { permutation, randomKey } from '../../onnx';

/** Probabilities of rows that were not learned from, and what turned out to be true for them. */
export interface Labelled {
  readonly classes: number;
  /** Row-major [rows, classes]. */
  readonly probabilities: Float64Array;
  /** Class index a row; never missing. */
  readonly codes: Int32Array;
}

/** Rows before they are chosen from: anything that can be read by place. */
interface Given {
  readonly classes: number;
  readonly probabilities: ArrayLike<number>;
  readonly codes: ArrayLike<number>;
}

const DRAW = 0xca0;
/** Most rows that are looked at, and most probabilities: of many classes fewer rows. */
const MOST_ROWS = 50_000;
const MOST_CELLS = 10_000_000;

/** Drawn by `seed` where there are too many; without the rows whose class the model does not know (code -1). */
export const labelledRows = (
  probabilities: ArrayLike<number>,
  codes: ArrayLike<number>,
  classes: number,
  seed = 0,
): Labelled => {
  const known = Array.from({ length: codes.length }, (_, row) => row).filter((row) => codes[row] >= 0);
  const most = Math.min(MOST_ROWS, Math.floor(MOST_CELLS / classes));
  const rows =
    known.length > most
      ? permutation(known.length, randomKey(seed, DRAW), 0)
          .subarray(0, most)
          .map((place) => known[place])
      : known;
  return pick({ classes, probabilities, codes }, rows);
};

/** Some of the rows, in the order given. */
export const pick = ({ classes, probabilities, codes }: Given, rows: ArrayLike<number>): Labelled => {
  const picked = new Float64Array(rows.length * classes);
  for (let i = 0; i < rows.length; i++)
    for (let label = 0; label < classes; label++)
      picked[i * classes + label] = probabilities[rows[i] * classes + label];
  return { classes, probabilities: picked, codes: Int32Array.from(rows, (row) => codes[row]) };
};

/** A probability of nothing would cost infinitely much when it comes true after all. */
const LEAST = 1e-15;

/** -log p of the true class, one a row. */
export const logLosses = ({ classes, probabilities, codes }: Labelled): Float64Array =>
  Float64Array.from(codes, (code, row) => -Math.log(Math.max(probabilities[row * classes + code], LEAST)));
