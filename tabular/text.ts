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

/** Names for a message: the first twenty, and how many more. */
export const oneOfNames = (names: readonly string[]): string =>
  names.length <= 20 ? names.join(', ') : `${names.slice(0, 20).join(', ')} and ${names.length - 20} more`;
