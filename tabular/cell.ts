import { bytesOfBase64, imageHead } from './image';
import { LIMITS } from './limits';
import { parseNumber, PLAIN_FORMAT } from './number';
import type { ColumnSpec } from './spec';
import { cleanText, fold } from './text';
import { parseTime } from './time';

/** number and time: a number (times are epoch microseconds); category and text: a string; null: missing. */
export type CellValue = number | string | null;
export type CellProblem = 'wrong-type' | 'not-finite' | 'out-of-range';
export type CellResult =
  | { readonly ok: true; readonly value: CellValue }
  | { readonly ok: false; readonly problem: CellProblem; readonly expected: string };

const EXPECTED: Record<ColumnSpec['type'], string> = {
  number: 'a number, e.g. 12.5',
  category: 'a text',
  text: 'a text',
  time: 'a date or time, e.g. 2026-01-31 or 2026-01-31T13:45:00Z',
  image: 'a PNG or JPEG picture in base64',
};

// Looking a spelling up must not be linear in the vocabulary; the map is made once for each spec object.
const canonicalOf = new WeakMap<object, Map<string, string>>();
const canonicalMap = (category: NonNullable<ColumnSpec['category']>): Map<string, string> => {
  let map = canonicalOf.get(category);
  if (map === undefined) {
    map = new Map(category.canonical);
    canonicalOf.set(category, map);
  }
  return map;
};

export const isMissing = (spec: ColumnSpec, text: string): boolean => {
  const folded = fold(text);
  return folded === '' || spec.missing.includes(folded);
};

const failed = (spec: ColumnSpec, problem: CellProblem): CellResult => ({
  ok: false,
  problem,
  expected: EXPECTED[spec.type],
});

/**
 * One raw cell to its typed value: the same answer for an uploaded file and for a prediction. `raw` may be a JSON number
 * where the column is a number, a category or a text.
 */
export const parseCell = (spec: ColumnSpec, raw: string | number | boolean | null): CellResult => {
  if (raw === null) return { ok: true, value: null };
  if (typeof raw === 'number') {
    if (!Number.isFinite(raw)) return failed(spec, 'not-finite');
    if (spec.type === 'number') return { ok: true, value: raw };
    if (spec.type === 'time') return failed(spec, 'wrong-type');
  }
  const text = String(raw);
  if (isMissing(spec, text)) return { ok: true, value: null };
  switch (spec.type) {
    case 'number': {
      if (typeof raw === 'boolean') return failed(spec, 'wrong-type');
      const result = parseNumber(text, spec.number ?? PLAIN_FORMAT);
      if (result.ok) return result;
      return failed(spec, result.problem === 'not-a-number' ? 'wrong-type' : result.problem);
    }
    case 'time': {
      const value = parseTime(text, spec.time?.dayFirst ?? false);
      return value === null ? failed(spec, 'wrong-type') : { ok: true, value };
    }
    case 'category': {
      const known = spec.category === undefined ? undefined : canonicalMap(spec.category).get(fold(text));
      return { ok: true, value: known ?? cleanText(text) };
    }
    case 'text':
      return { ok: true, value: beginning(cleanText(text)) };
    case 'image': {
      // The head alone: whoever needs the pixels decodes them, and no picture is decoded twice.
      const bytes = bytesOfBase64(text);
      const head = bytes === undefined ? undefined : imageHead(bytes);
      return head === undefined || head.height * head.width > LIMITS.imagePixels
        ? failed(spec, 'wrong-type')
        : { ok: true, value: text };
    }
  }
};

/** Not within a surrogate pair. */
const beginning = (text: string): string => {
  const { textCharacters } = LIMITS;
  if (text.length <= textCharacters) return text;
  const split = /[\ud800-\udbff]/.test(text.charAt(textCharacters - 1));
  return text.slice(0, split ? textCharacters - 1 : textCharacters);
};
