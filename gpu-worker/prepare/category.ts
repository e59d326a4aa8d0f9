/** Fitted on training rows: how one category column becomes 0/1 features. */
export interface CategoryFit {
  readonly kind: 'category';
  readonly name: string;
  /** Each has a feature of its own, most frequent first. */
  readonly values: readonly string[];
  /** A last feature for rare, missing and unseen values; without it the vocabulary is closed. */
  readonly other: boolean;
}

/** A value seen less often than this teaches nothing about itself. */
const RARE = 5;

/** `mostValues`: how many values may have a feature of their own. Undefined when the training rows hold one value only. */
export const fitCategory = (
  name: string,
  codes: Int32Array,
  dictionary: readonly string[],
  rows: Int32Array,
  mostValues: number,
): CategoryFit | undefined => {
  const counts = new Int32Array(dictionary.length);
  let missing = 0;
  for (const row of rows) {
    const code = codes[row] ?? -1;
    if (code < 0) missing++;
    else counts[code] = (counts[code] ?? 0) + 1;
  }
  const frequent = dictionary
    .map((value, code) => ({ value, count: counts[code] ?? 0 }))
    .filter(({ value, count }) => count >= RARE && value !== '')
    .sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1))
    .slice(0, mostValues);
  const kept = frequent.reduce((sum, { count }) => sum + count, 0);
  const other = missing > 0 || kept < rows.length;
  if (frequent.length + (other ? 1 : 0) < 2) return undefined;
  return { kind: 'category', name, values: frequent.map(({ value }) => value), other };
};

/** Width of the one-hot block. */
export const categoryWidth = (fit: CategoryFit): number => fit.values.length + (fit.other ? 1 : 0);
