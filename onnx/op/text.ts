import { GraphError } from '../errors';
import { requireDtype } from '../shape';
import { node1, type Attribute, type Value } from '../value';

/** Operators of ai.onnx.ml 3 that turn text into numbers and back. */

const ML = 'ai.onnx.ml';

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
