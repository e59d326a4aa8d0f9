/** What a file may be. Beyond these it is refused with the code in docs/errors.md. */
export const LIMITS = {
  columns: 2000,
  cellBytes: 1024 * 1024,
  /** What is kept of a cell of a text column: every model reads the same beginning, of an upload and of a request. */
  textCharacters: 4000,
  lineBytes: 4 * 1024 * 1024,
  columnNameCharacters: 200,
  /** Largest integer that every part of the platform holds exactly. */
  integer: Number.MAX_SAFE_INTEGER,
  classes: 1000,
  rows: 50_000_000,
  /** Of one picture before it is brought to the column's size. */
  imagePixels: 24_000_000,
  imageBytes: 32 * 1024 * 1024,
  /** Of one side of the pictures that a model sees: larger ones are reduced to it. */
  imageSide: 128,
} as const;
