import type { NumberFormat } from './spec';
import { LIMITS } from './limits';

export type NumberResult =
  | { readonly ok: true; readonly value: number }
  | { readonly ok: false; readonly problem: 'not-a-number' | 'not-finite' | 'out-of-range' };

const PLAIN = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
const NOT_FINITE = /^[+-]?(nan|inf|infinity)$/i;
const DECORATION = /^[$€£¥]\s*|\s*[$€£¥%]$/gu;
const INTEGER = /^[+-]?\d+$/;

export const PLAIN_FORMAT: NumberFormat = { decimal: '.', group: '' };

/**
 * Reads one number. Plain decimals (`-12.5e3`) always; beyond them what `format` says: a decimal comma, thousands
 * separators in groups of three, a currency sign or a percent sign (dropped, not divided), accounting's (12) for -12.
 */
export const parseNumber = (raw: string, format: NumberFormat = PLAIN_FORMAT): NumberResult => {
  let text = raw.trim();
  if (NOT_FINITE.test(text)) return { ok: false, problem: 'not-finite' };
  let sign = 1;
  if (text.startsWith('(') && text.endsWith(')')) {
    sign = -1;
    text = text.slice(1, -1);
  }
  if (/^-\s*[$€£¥]/u.test(text)) {
    sign = -sign;
    text = text.slice(1).trim();
  }
  text = text.replace(DECORATION, '');
  if (format.group !== '') {
    const group = format.group === ' ' ? '[ \u00a0\u202f]' : format.group.replace('.', '\\.');
    const decimal = format.decimal === '.' ? '\\.' : ',';
    const grouped = new RegExp(`^[+-]?\\d{1,3}(${group}\\d{3})+(${decimal}\\d+)?$`, 'u');
    if (grouped.test(text)) text = text.replace(new RegExp(group, 'gu'), '');
  }
  if (format.decimal === ',') text = text.includes('.') ? text : text.replace(',', '.');
  if (!PLAIN.test(text)) return { ok: false, problem: 'not-a-number' };
  const value = sign * Number(text);
  if (!Number.isFinite(value)) return { ok: false, problem: 'not-finite' };
  if (Math.abs(value) > LIMITS.integer && INTEGER.test(text)) return { ok: false, problem: 'out-of-range' };
  return { ok: true, value };
};

/** The format that reads most of the given cells; cells are [text, count]. Thousands win where both readings fit. */
export const inferNumberFormat = (cells: readonly (readonly [string, number])[]): NumberFormat => {
  const candidates: NumberFormat[] = [
    PLAIN_FORMAT,
    { decimal: '.', group: ',' },
    { decimal: ',', group: '.' },
    { decimal: ',', group: '' },
    { decimal: '.', group: ' ' },
    { decimal: ',', group: ' ' },
    { decimal: '.', group: "'" },
  ];
  let best = PLAIN_FORMAT;
  let bestRead = -1;
  for (const format of candidates) {
    let read = 0;
    for (const [text, count] of cells) if (parseNumber(text, format).ok) read += count;
    if (read > bestRead) {
      best = format;
      bestRead = read;
    }
  }
  return best;
};
