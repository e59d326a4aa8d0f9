import { GraphError } from './errors';

/** Element types and their numbers in onnx.proto (TensorProto.DataType). float16 travels as its raw 16 bits. */
export const DTYPE_CODES = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
} as const;

export type Dtype = keyof typeof DTYPE_CODES;

export const dtypeOfCode = (code: number): Dtype | undefined =>
  (Object.keys(DTYPE_CODES) as Dtype[]).find((name) => DTYPE_CODES[name] === code);

/** A dimension is a number, or a name for one that is known only when the model runs. */
export type Dim = number | string;
export type Shape = readonly Dim[];

export type TensorData =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array
  | readonly string[];

export interface Tensor {
  readonly dtype: Dtype;
  readonly dims: readonly number[];
  readonly data: TensorData;
}

const ARRAYS = {
  float32: Float32Array,
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  bool: Uint8Array,
  float16: Uint16Array,
  float64: Float64Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
} as const;

export const bytesPerElement = (dtype: Exclude<Dtype, 'string'>): number => ARRAYS[dtype].BYTES_PER_ELEMENT;

export const countOf = (dims: readonly number[]): number => dims.reduce((product, dim) => product * dim, 1);

/** A typed view of little-endian bytes, copied so that it is aligned and owns its memory. */
export const dataOfBytes = (
  dtype: Exclude<Dtype, 'string'>,
  bytes: Uint8Array,
): Exclude<TensorData, readonly string[]> => {
  // `slice` of a Buffer is a view of the shared pool, not a copy.
  const copy = new Uint8Array(bytes);
  return new ARRAYS[dtype](copy.buffer, 0, copy.byteLength / bytesPerElement(dtype));
};

const isBig = (dtype: Dtype): dtype is 'int64' | 'uint64' => dtype === 'int64' || dtype === 'uint64';

/**
 * Makes a tensor of plain values. `dims` defaults to a vector of all values.
 * @throws GraphError when the number of values is not the product of the dimensions.
 */
export const tensor = (
  dtype: Dtype,
  values: ArrayLike<number> | ArrayLike<bigint> | readonly string[] | readonly boolean[],
  dims: readonly number[] = [values.length],
): Tensor => {
  if (countOf(dims) !== values.length)
    throw new GraphError(
      `tensor of shape [${dims.join(',')}] needs ${countOf(dims)} values, got ${values.length}`,
    );
  return { dtype, dims: [...dims], data: typedData(dtype, values) };
};

const typedData = (dtype: Dtype, values: ArrayLike<unknown>): TensorData => {
  if (dtype === 'string') return Array.from(values, String);
  if (values instanceof ARRAYS[dtype]) return values;
  if (!isFloat(dtype)) requireWhole(dtype, values);
  if (isBig(dtype)) {
    const big = Array.from(values, (value) => BigInt(value as number | bigint));
    return dtype === 'int64' ? BigInt64Array.from(big) : BigUint64Array.from(big);
  }
  return ARRAYS[dtype].from(Array.from(values, Number));
};

const requireWhole = (dtype: Dtype, values: ArrayLike<unknown>): void => {
  for (let at = 0; at < values.length; at++) {
    const value = values[at];
    if (typeof value === 'number' && !Number.isInteger(value))
      throw new GraphError(`tensor of type ${dtype} cannot hold ${value}`);
  }
};

export const isFloat = (dtype: Dtype): boolean =>
  dtype === 'float32' || dtype === 'float64' || dtype === 'float16';

export const showShape = (shape: Shape): string => `[${shape.join(', ')}]`;

export const sameShape = (a: Shape, b: Shape): boolean =>
  a.length === b.length && a.every((dim, axis) => dim === b[axis]);
