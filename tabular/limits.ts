/** What a file may be. Beyond these it is refused with the code in docs/errors.md. */
export const LIMITS = {
  columns: 2000,
  cellBytes: 1024 * 1024,
  lineBytes: 4 * 1024 * 1024,
  columnNameCharacters: 200,
  /** Largest integer that every part of the platform holds exactly. */
  integer: Number.MAX_SAFE_INTEGER,
  classes: 1000,
  rows: 50_000_000,
} as const;
