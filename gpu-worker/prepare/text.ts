/** Text as frequencies of words and of short runs of characters, weighed down where every text has them (TF-IDF). */
import type { Column } from '../data/table';
import { isSupervised } from './target';
import type { Target } from './target';
import { tokensOf } from './tokens';
import type { Cut } from './tokens';

/** Fitted on training rows. */
export interface TextFit {
  readonly kind: 'text';
  readonly name: string;
  /** One block of features each, scaled to length 1 a row. */
  readonly vocabularies: readonly Vocabulary[];
}

export interface Vocabulary {
  readonly cut: Exclude<Cut, 'words-and-signs'>;
  /** Ascending by length. */
  readonly grams: readonly (readonly string[])[];
  /** ln((1 + texts) / (1 + texts with it)) + 1, as scikit-learn's TfidfVectorizer, `onGrid`. */
  readonly weights: readonly number[];
}

/** What a sequence model reads: known tokens from 2 up, most frequent first; 1 is any other token, 0 is no token. */
export interface TokenFit {
  readonly cut: Cut;
  readonly tokens: readonly string[];
  /** Tokens that are read of each text. */
  readonly length: number;
}

/** The nearest multiple of 2^-8: what is multiplied and squared without rounding. */
export const onGrid = (value: number): number => Math.round(value * 256) / 256;

type TextColumn = Extract<Column, { codes: Int32Array }>;

/** Lengths of the n-grams of each cut: words alone and in pairs, runs of three and four characters. */
const LENGTHS = { words: [1, 2], characters: [3, 4] } as const;
/** The vocabulary is counted on so many characters of training rows, drawn evenly. */
const COUNTED_CHARACTERS = 2_000_000;
/** An n-gram in fewer texts teaches nothing about the next one. */
const FEWEST_TEXTS = 3;
/** So many times the wanted number, the most frequent, are compared by what they say about the target. */
const CANDIDATES = 4;
const SEPARATOR = '\u0000';

/** `width`: features at most, half of them words. Undefined when no n-gram is in enough training rows. */
export const fitText = (
  column: TextColumn,
  target: Target | null,
  rows: Int32Array,
  width: number,
): TextFit | undefined => {
  const texts = sampled(column, rows);
  const vocabularies = (['words', 'characters'] as const).flatMap((cut) => {
    const grams = vocabulary(texts, cut, target, Math.floor(width / 2));
    return grams === undefined ? [] : [grams];
  });
  if (vocabularies.length === 0) return undefined;
  return { kind: 'text', name: column.spec.name, vocabularies };
};

interface Sampled {
  readonly row: number;
  readonly text: string;
}

const sampled = ({ codes, dictionary }: TextColumn, rows: Int32Array): Sampled[] => {
  const textOf = (row: number): string => dictionary[codes[row]] ?? '';
  let characters = 0;
  for (const row of rows) characters += textOf(row).length;
  const every = Math.max(1, Math.ceil(characters / COUNTED_CHARACTERS));
  return Array.from(rows)
    .filter((_, i) => i % every === 0)
    .map((row) => ({ row, text: textOf(row) }));
};

const vocabulary = (
  texts: readonly Sampled[],
  cut: Vocabulary['cut'],
  target: Target | null,
  width: number,
): Vocabulary | undefined => {
  const found = counted(texts, cut)
    .filter(({ texts: count }) => count >= FEWEST_TEXTS && count < texts.length)
    .sort((a, b) => b.texts - a.texts || (a.gram < b.gram ? -1 : 1))
    .slice(0, CANDIDATES * width);
  const chosen = (found.length > width ? telling(found, texts, cut, target) : found)
    .slice(0, width)
    .map(({ gram, texts: count }) => ({ tokens: gram.split(SEPARATOR), gram, count }))
    .sort((a, b) => a.tokens.length - b.tokens.length || (a.gram < b.gram ? -1 : 1));
  if (chosen.length === 0) return undefined;
  return {
    cut,
    grams: chosen.map(({ tokens }) => tokens),
    weights: chosen.map(({ count }) => onGrid(Math.log((1 + texts.length) / (1 + count)) + 1)),
  };
};

interface Counted {
  readonly gram: string;
  /** In how many texts it is. */
  texts: number;
}

const counted = (texts: readonly Sampled[], cut: Vocabulary['cut']): Counted[] => {
  const found = new Map<string, Counted & { last: number }>();
  for (const [at, { text }] of texts.entries()) {
    for (const gram of gramsOf(text, cut)) {
      const known = found.get(gram);
      if (known === undefined) found.set(gram, { gram, texts: 1, last: at });
      else if (known.last !== at) {
        known.texts++;
        known.last = at;
      }
    }
  }
  return [...found.values()];
};

const gramsOf = function* (text: string, cut: Vocabulary['cut']): Generator<string> {
  const tokens = tokensOf(text, cut);
  for (const length of LENGTHS[cut])
    for (let from = 0; from + length <= tokens.length; from++)
      yield length === 1 ? (tokens[from] ?? '') : tokens.slice(from, from + length).join(SEPARATOR);
};

/**
 * Most telling first: how far the target of the texts with the n-gram is from that of all texts, chi-squared (Yang and
 * Pedersen 1997) for classes, its squared standard score for numbers. Without a target: as they come.
 */
const telling = (
  found: readonly Counted[],
  texts: readonly Sampled[],
  cut: Vocabulary['cut'],
  target: Target | null,
): readonly Counted[] => {
  if (!isSupervised(target)) return found;
  const places = new Map(found.map(({ gram }, place) => [gram, place]));
  const columns = target.task === 'regression' ? 1 : target.classes.length;
  const sums = new Float64Array(found.length * columns);
  const totals = new Float64Array(columns);
  const last = new Int32Array(found.length).fill(-1);
  for (const [at, { row, text }] of texts.entries()) {
    const column = target.task === 'regression' ? 0 : target.codes[row];
    const value = target.task === 'regression' ? (target.values[row] - target.mean) / target.deviation : 1;
    totals[column] += value;
    for (const gram of gramsOf(text, cut)) {
      const place = places.get(gram);
      if (place === undefined || last[place] === at) continue;
      last[place] = at;
      sums[place * columns + column] += value;
    }
  }
  const score = (place: number, count: number): number => {
    let sum = 0;
    for (let column = 0; column < columns; column++) {
      const seen = sums[place * columns + column];
      const share = totals[column] / texts.length;
      const expected = count * share;
      sum += (seen - expected) ** 2 / (target.task === 'regression' ? count : Math.max(expected, 1e-12));
    }
    return sum;
  };
  return found
    .map((one, place) => ({ one, score: score(place, one.texts) }))
    .sort((a, b) => b.score - a.score || (a.one.gram < b.one.gram ? -1 : 1))
    .map(({ one }) => one);
};

/** The `size` most frequent tokens of the training rows, for a sequence model that reads `length` of each text. */
export const fitTokens = (
  column: TextColumn,
  rows: Int32Array,
  { size, length, cut }: { readonly size: number; readonly length: number; readonly cut: Cut },
): TokenFit => {
  const counts = new Map<string, number>();
  for (const { text } of sampled(column, rows))
    for (const token of tokensOf(text, cut)) counts.set(token, (counts.get(token) ?? 0) + 1);
  const frequent = [...counts.entries()]
    .filter(([, count]) => count > 1)
    .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .slice(0, size);
  return { cut, tokens: frequent.map(([token]) => token), length };
};
