/** How text is cut: the same rules for fitting, in JavaScript, and for the graph, in RE2. */
import { op } from '../../onnx';
import type { Value } from '../../onnx';

/** Letters with their marks, digits, underscores. */
const WORD = /[\p{L}\p{M}\p{N}_]+/gu;
const WORD_RE2 = '[\\pL\\pM\\pN_]+';
/** Words, and every other visible character alone. */
const WORD_OR_SIGN = /[\p{L}\p{M}\p{N}_]+|[^\p{L}\p{M}\p{N}_\s]/gu;
const WORD_OR_SIGN_RE2 = '[\\pL\\pM\\pN_]+|[^\\pL\\pM\\pN_\\s]';

export type Cut = 'words' | 'words-and-signs' | 'characters';

export const tokensOf = (text: string, cut: Cut): string[] => {
  const lower = text.toLowerCase();
  switch (cut) {
    case 'words':
      return lower.match(WORD) ?? [];
    case 'words-and-signs':
      return lower.match(WORD_OR_SIGN) ?? [];
    case 'characters':
      return Array.from(lower);
  }
};

/** string [rows] -> string [rows, tokens], rows filled up with ''. */
export const tokenTable = (text: Value, cut: Cut, tokens: string): Value => {
  const lower = op.LowerCase(text);
  switch (cut) {
    case 'words':
      return op.Tokenizer(lower, tokens, WORD_RE2);
    case 'words-and-signs':
      return op.Tokenizer(lower, tokens, WORD_OR_SIGN_RE2);
    case 'characters':
      return op.Tokenizer(lower, tokens);
  }
};
