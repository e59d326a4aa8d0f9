import type { Confusion } from '../../contracts';

const MOST_CLASSES = 50;
const WORST = 20;

/** Rows of an unknown class (code -1) are left out. */
export const confusion = (
  decided: ArrayLike<number>,
  codes: ArrayLike<number>,
  classes: readonly string[],
): Confusion => {
  const pairs = new Map<number, number>();
  for (let row = 0; row < codes.length; row++) {
    if (codes[row] < 0) continue;
    const pair = codes[row] * classes.length + decided[row];
    pairs.set(pair, (pairs.get(pair) ?? 0) + 1);
  }
  const truthOf = (pair: number): number => Math.floor(pair / classes.length);
  const decidedOf = (pair: number): number => pair % classes.length;
  const mistakes = [...pairs].filter(([pair]) => truthOf(pair) !== decidedOf(pair));
  mistakes.sort(([a, most], [b, more]) => more - most || a - b);
  return {
    counts:
      classes.length > MOST_CLASSES
        ? null
        : classes.map((_, truth) =>
            classes.map((_label, label) => pairs.get(truth * classes.length + label) ?? 0),
          ),
    worst: mistakes.slice(0, WORST).map(([pair, rows]) => ({
      truth: classes[truthOf(pair)],
      decided: classes[decidedOf(pair)],
      rows,
    })),
  };
};
