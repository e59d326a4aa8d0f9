const SPACES = /\s+/gu;

/** NFC, outer white space removed, inner white space one blank: what a text value is compared and stored as. */
export const cleanText = (raw: string): string => raw.normalize('NFC').trim().replace(SPACES, ' ');

/** Spellings that differ in case only are one value. */
export const fold = (raw: string): string => cleanText(raw).toLowerCase();

/** Tokens that people and tools write for «no value». A column uses those that were seen in it. */
export const MISSING_TOKENS: readonly string[] = [
  '?',
  '-',
  '--',
  '.',
  'na',
  'n/a',
  '#n/a',
  '#na',
  'null',
  'nil',
  '(null)',
  'missing',
  'n.a.',
];
