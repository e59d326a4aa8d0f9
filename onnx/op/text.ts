import { GraphError } from '../errors';
import { requireDtype } from '../shape';
import { node1, type Attribute, type Value } from '../value';

/** Operators on text: of ONNX, of ai.onnx.ml 3, and the one from outside the standard. */

const ML = 'ai.onnx.ml';
/** Declared in a model's manifest where it is used. */
const MICROSOFT = 'com.microsoft';

const strings = (value: readonly string[]): Attribute => ({ type: 'strings', value });
const ints = (value: readonly number[]): Attribute => ({ type: 'ints', value });
const floats = (value: readonly number[]): Attribute => ({ type: 'floats', value });

const checkTable = (op: string, keys: readonly unknown[], values: readonly unknown[]): void => {
  if (keys.length !== values.length || keys.length === 0 || new Set(keys).size !== keys.length)
    throw new GraphError(`${op}: needs as many values as keys, at least one, and no key twice`);
};

/** Looks every string up; what is not in the table becomes `otherwise`. */
export const StringToInt = (
  x: Value,
  keys: readonly string[],
  values: readonly number[],
  otherwise: number,
): Value => {
  requireDtype('LabelEncoder', 'the input', x, ['string']);
  checkTable('LabelEncoder', keys, values);
  return node1(
    'LabelEncoder',
    [x],
    { dtype: 'int64', shape: x.shape },
    {
      keys_strings: strings(keys),
      values_int64s: ints(values),
      default_int64: { type: 'int', value: otherwise },
    },
    ML,
  );
};

export const StringToFloat = (
  x: Value,
  keys: readonly string[],
  values: readonly number[],
  otherwise: number,
): Value => {
  requireDtype('LabelEncoder', 'the input', x, ['string']);
  checkTable('LabelEncoder', keys, values);
  return node1(
    'LabelEncoder',
    [x],
    { dtype: 'float32', shape: x.shape },
    {
      keys_strings: strings(keys),
      values_floats: floats(values),
      default_float: { type: 'float', value: otherwise },
    },
    ML,
  );
};

export const StringToString = (
  x: Value,
  keys: readonly string[],
  values: readonly string[],
  otherwise: string,
): Value => {
  requireDtype('LabelEncoder', 'the input', x, ['string']);
  checkTable('LabelEncoder', keys, values);
  return node1(
    'LabelEncoder',
    [x],
    { dtype: 'string', shape: x.shape },
    {
      keys_strings: strings(keys),
      values_strings: strings(values),
      default_string: { type: 'string', value: otherwise },
    },
    ML,
  );
};

/** Turns class numbers into their labels. */
export const IntToString = (
  x: Value,
  keys: readonly number[],
  values: readonly string[],
  otherwise: string,
): Value => {
  requireDtype('LabelEncoder', 'the input', x, ['int64']);
  checkTable('LabelEncoder', keys, values);
  return node1(
    'LabelEncoder',
    [x],
    { dtype: 'string', shape: x.shape },
    {
      keys_int64s: ints(keys),
      values_strings: strings(values),
      default_string: { type: 'string', value: otherwise },
    },
    ML,
  );
};

/** A new last axis that is 1 at the string's place in `categories`; all zeros for an unknown one. */
export const OneHotStrings = (x: Value, categories: readonly string[]): Value => {
  requireDtype('OneHotEncoder', 'the input', x, ['string']);
  return node1(
    'OneHotEncoder',
    [x],
    { dtype: 'float32', shape: [...x.shape, categories.length] },
    {
      cats_strings: strings(categories),
      zeros: { type: 'int', value: 1 },
    },
    ML,
  );
};

/** Columns of a [rows, columns] table by position. */
export const ArrayFeatureExtractor = (x: Value, columns: Value): Value => {
  requireDtype('ArrayFeatureExtractor', 'columns', columns, ['int64']);
  const [rows] = x.shape;
  const [count] = columns.shape;
  if (x.rank !== 2 || rows === undefined || count === undefined)
    throw new GraphError('ArrayFeatureExtractor: needs a table and a vector of columns');
  return node1('ArrayFeatureExtractor', [x, columns], { dtype: x.dtype, shape: [rows, count] }, {}, ML);
};

/** Lower case, [rows] or [1, rows]. The operator's default locale is missing on bare machines; this one is everywhere. */
export const LowerCase = (x: Value): Value => {
  requireDtype('StringNormalizer', 'the input', x, ['string']);
  if (x.rank !== 1) throw new GraphError('StringNormalizer: needs a vector of strings');
  return node1(
    'StringNormalizer',
    [x],
    { dtype: 'string', shape: x.shape },
    {
      case_change_action: { type: 'string', value: 'LOWER' },
      is_case_sensitive: { type: 'int', value: 1 },
      locale: { type: 'string', value: 'C.UTF-8' },
    },
  );
};

/**
 * Cuts every string of [rows] into its matches of `pattern` (RE2 syntax), or into characters without one: [rows, tokens]
 * as wide as the longest, the rest filled with ''. The dimension `tokens` has the given name.
 */
export const Tokenizer = (x: Value, tokens: string, pattern?: string): Value => {
  requireDtype('Tokenizer', 'the input', x, ['string']);
  if (x.rank !== 1) throw new GraphError('Tokenizer: needs a vector of strings');
  return node1(
    'Tokenizer',
    [x],
    { dtype: 'string', shape: [...x.shape, tokens] },
    {
      mark: { type: 'int', value: 0 },
      mincharnum: { type: 'int', value: 1 },
      pad_value: { type: 'string', value: '' },
      ...(pattern === undefined
        ? { separators: strings(['']) }
        : { tokenexp: { type: 'string', value: pattern } }),
    },
    MICROSOFT,
  );
};

/**
 * How often each n-gram stands in a row: [rows, tokens] string -> [rows, grams] float32. `grams` are ascending by length,
 * from 1 token up.
 */
export const NGramCounts = (x: Value, grams: readonly (readonly string[])[]): Value => {
  requireDtype('TfIdfVectorizer', 'the input', x, ['string']);
  const [rows] = x.shape;
  if (x.rank !== 2 || rows === undefined || grams.length === 0)
    throw new GraphError('TfIdfVectorizer: needs a table of tokens and one n-gram at least');
  const lengths = grams.map((gram) => gram.length);
  if (lengths.some((length, i) => length < (lengths[i - 1] ?? 1)))
    throw new GraphError('TfIdfVectorizer: n-grams must be ascending by length');
  const longest = lengths.at(-1) ?? 1;
  const starts = Array.from({ length: longest }, (_, i) =>
    grams.reduce((sum, gram) => sum + (gram.length <= i ? gram.length : 0), 0),
  );
  return node1(
    'TfIdfVectorizer',
    [x],
    { dtype: 'float32', shape: [rows, grams.length] },
    {
      mode: { type: 'string', value: 'TF' },
      min_gram_length: { type: 'int', value: lengths[0] ?? 1 },
      max_gram_length: { type: 'int', value: longest },
      max_skip_count: { type: 'int', value: 0 },
      ngram_counts: ints(starts),
      ngram_indexes: ints(grams.map((_, i) => i)),
      pool_strings: strings(grams.flat()),
    },
  );
};
