import type { Encoding } from './encoding';

/** Fitted on training rows: how one category column becomes 0/1 features or a code. */
export interface CategoryFit {
  readonly kind: 'category';
  readonly name: string;
  readonly encoding: Encoding['categories'];
  /** Each has a place of its own, most frequent first. */
  readonly values: readonly string[];
  /** Training rows fell into the last place, that of rare, missing and unseen values; without it the vocabulary is closed. */
  readonly other: boolean;
  /** What a missing value becomes: the place `other`, NaN (codes only), or the first, the most frequent value. */
  readonly missing: 'other' | 'NaN' | 'first';
}

/** A value seen less often than this teaches nothing about itself. */
const RARE = 5;

/** `mostValues`: how many values may have a place of their own. Undefined when the training rows hold one value only. */
export const fitCategory = (
  name: string,
  codes: Int32Array,
  dictionary: readonly string[],
  rows: Int32Array,
  { categories, missing: handled }: Encoding,
  mostValues: number,
): CategoryFit | undefined => {
  const counts = new Int32Array(dictionary.length);
  let gaps = 0;
  for (const row of rows) {
    const code = codes[row];
    if (code < 0) gaps++;
    else counts[code]++;
  }
  const frequent = dictionary
    .map((value, code) => ({ value, count: counts[code] }))
    .filter(({ value, count }) => count >= RARE && value !== '')
    .sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1))
    .slice(0, mostValues);
  const kept = frequent.reduce((sum, { count }) => sum + count, 0);
  const missing =
    handled === 'mode' && frequent.length > 0
      ? 'first'
      : handled === 'kept' && categories === 'ordinal'
        ? 'NaN'
        : 'other';
  const other = kept + (missing === 'other' ? 0 : gaps) < rows.length;
  const places = frequent.length + (other ? 1 : 0) + (missing === 'NaN' && gaps > 0 ? 1 : 0);
  if (places < 2 || frequent.length === 0) return undefined;
  return {
    kind: 'category',
    name,
    encoding: categories,
    values: frequent.map(({ value }) => value),
    other,
    missing,
  };
};

/** Places of a category: its values and, where there is one, the place for all others. */
export const categoryPlaces = (fit: CategoryFit): number => fit.values.length + (fit.other ? 1 : 0);
