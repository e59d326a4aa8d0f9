import { OnnxFormatError } from '../errors';
import {
  bytesPerElement,
  dataOfBytes,
  dtypeOfCode,
  tensor,
  type Dim,
  type Dtype,
  type TensorData,
} from '../tensor';
import {
  ATTRIBUTE_TYPES,
  type AttributeContent,
  type AttributeProto,
  type GraphProto,
  type ModelProto,
  type NamedTensor,
  type NodeProto,
  type OpsetImport,
  type ValueInfo,
} from './model';
import {
  BYTES,
  expectWire,
  fieldsOf,
  floatOf,
  floatsOf,
  intOf,
  intsOf,
  smallIntOf,
  textOf,
  type Field,
} from './wire';

/** Loop bodies within If branches within ...: real models stay below five. */
const MAX_DEPTH = 16;

/**
 * Reads a model from untrusted bytes. Memory stays proportional to the input: every length is checked before it is
 * used, and a tensor's data must match its dimensions.
 * @throws OnnxFormatError when the bytes are not a model, are cut off, nest too deeply, or use what this project
 * does not support (external data, sparse initializers, model-local functions).
 */
export const readModel = (bytes: Uint8Array): ModelProto => {
  let irVersion: number | undefined;
  let graph: GraphProto | undefined;
  let producerName: string | undefined;
  let producerVersion: string | undefined;
  let modelVersion: number | undefined;
  let docString: string | undefined;
  const opsetImports: OpsetImport[] = [];
  const metadata: [string, string][] = [];
  for (const field of fieldsOf(bytes)) {
    if (field.field === 1) irVersion = smallIntOf(field, 'ir_version');
    else if (field.field === 2) producerName = textOf(field, 'producer_name');
    else if (field.field === 3) producerVersion = textOf(field, 'producer_version');
    else if (field.field === 5) modelVersion = smallIntOf(field, 'model_version');
    else if (field.field === 6) docString = textOf(field, 'doc_string');
    else if (field.field === 7) graph = readGraph(expectWire(field, BYTES, 'graph').bytes, 0);
    else if (field.field === 8) opsetImports.push(readOpset(expectWire(field, BYTES, 'opset_import').bytes));
    else if (field.field === 14) metadata.push(readEntry(expectWire(field, BYTES, 'metadata_props').bytes));
    else if (field.field === 25) throw new OnnxFormatError('model-local functions are not supported');
  }
  if (irVersion === undefined || graph === undefined || opsetImports.length === 0)
    throw new OnnxFormatError('not an ONNX model: it lacks an IR version, a graph or an operator set');
  return {
    irVersion,
    ...(producerName !== undefined && { producerName }),
    ...(producerVersion !== undefined && { producerVersion }),
    ...(modelVersion !== undefined && { modelVersion }),
    ...(docString !== undefined && { docString }),
    opsetImports,
    graph,
    ...(metadata.length > 0 && { metadata }),
  };
};

const readOpset = (bytes: Uint8Array): OpsetImport => {
  let domain = '';
  let version = 0;
  for (const field of fieldsOf(bytes)) {
    if (field.field === 1) domain = textOf(field, 'opset domain');
    else if (field.field === 2) version = smallIntOf(field, 'opset version');
  }
  return { domain, version };
};

const readEntry = (bytes: Uint8Array): [string, string] => {
  let key = '';
  let value = '';
  for (const field of fieldsOf(bytes)) {
    if (field.field === 1) key = textOf(field, 'metadata key');
    else if (field.field === 2) value = textOf(field, 'metadata value');
  }
  return [key, value];
};

const readGraph = (bytes: Uint8Array, depth: number): GraphProto => {
  if (depth > MAX_DEPTH) throw new OnnxFormatError(`graphs nest deeper than ${MAX_DEPTH}`);
  let name = '';
  const nodes: NodeProto[] = [];
  const initializers: NamedTensor[] = [];
  const inputs: ValueInfo[] = [];
  const outputs: ValueInfo[] = [];
  const between: ValueInfo[] = [];
  for (const field of fieldsOf(bytes)) {
    if (field.field === 1) nodes.push(readNode(expectWire(field, BYTES, 'node').bytes, depth));
    else if (field.field === 2) name = textOf(field, 'graph name');
    else if (field.field === 5) initializers.push(readTensor(expectWire(field, BYTES, 'initializer').bytes));
    else if (field.field === 11) inputs.push(readValueInfo(expectWire(field, BYTES, 'graph input').bytes));
    else if (field.field === 12) outputs.push(readValueInfo(expectWire(field, BYTES, 'graph output').bytes));
    else if (field.field === 13) between.push(readValueInfo(expectWire(field, BYTES, 'value_info').bytes));
    else if (field.field === 15) throw new OnnxFormatError('sparse initializers are not supported');
  }
  return { name, nodes, initializers, inputs, outputs, ...(between.length > 0 && { between }) };
};

const readNode = (bytes: Uint8Array, depth: number): NodeProto => {
  let op = '';
  let domain = '';
  let name = '';
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes: AttributeProto[] = [];
  for (const field of fieldsOf(bytes)) {
    if (field.field === 1) inputs.push(textOf(field, 'node input'));
    else if (field.field === 2) outputs.push(textOf(field, 'node output'));
    else if (field.field === 3) name = textOf(field, 'node name');
    else if (field.field === 4) op = textOf(field, 'op_type');
    else if (field.field === 5)
      attributes.push(readAttribute(expectWire(field, BYTES, 'attribute').bytes, depth));
    else if (field.field === 7) domain = textOf(field, 'node domain');
  }
  if (op === '') throw new OnnxFormatError('a node has no operator');
  return { op, domain, name, inputs, outputs, attributes };
};

const readAttribute = (bytes: Uint8Array, depth: number): AttributeProto => {
  let name = '';
  let typeCode = 0;
  let f = 0;
  let i: number | bigint = 0;
  let s = '';
  let t: NamedTensor | undefined;
  let g: GraphProto | undefined;
  const floats: number[] = [];
  const ints: (number | bigint)[] = [];
  const strings: string[] = [];
  for (const field of fieldsOf(bytes)) {
    if (field.field === 1) name = textOf(field, 'attribute name');
    else if (field.field === 2) f = floatOf(field, 'attribute f');
    else if (field.field === 3) i = numberIfExact(intOf(field, 'attribute i'));
    else if (field.field === 4) s = textOf(field, 'attribute s');
    else if (field.field === 5) t = readTensor(expectWire(field, BYTES, 'attribute t').bytes);
    else if (field.field === 6) g = readGraph(expectWire(field, BYTES, 'attribute g').bytes, depth + 1);
    else if (field.field === 7) append(floats, floatsOf(field, 4, 'attribute floats'));
    else if (field.field === 8) append(ints, intsOf(field, 'attribute ints').map(numberIfExact));
    else if (field.field === 9) strings.push(textOf(field, 'attribute strings'));
    else if (field.field === 20) typeCode = smallIntOf(field, 'attribute type');
  }
  const type = (Object.keys(ATTRIBUTE_TYPES) as AttributeContent['type'][]).find(
    (known) => ATTRIBUTE_TYPES[known] === typeCode,
  );
  switch (type) {
    case 'float':
      return { name, type, value: f };
    case 'int':
      return { name, type, value: i };
    case 'string':
      return { name, type, value: s };
    case 'tensor':
      return { name, type, value: present(t, name) };
    case 'graph':
      return { name, type, value: present(g, name) };
    case 'floats':
      return { name, type, value: floats };
    case 'ints':
      return { name, type, value: ints };
    case 'strings':
      return { name, type, value: strings };
    case undefined:
      throw new OnnxFormatError(`attribute type ${typeCode} is not supported`);
  }
};

const present = <T>(value: T | undefined, attribute: string): T => {
  if (value === undefined)
    throw new OnnxFormatError(`attribute ${JSON.stringify(attribute.slice(0, 80))} has no value`);
  return value;
};

const numberIfExact = (value: bigint): number | bigint =>
  Number.isSafeInteger(Number(value)) ? Number(value) : value;

/** Not `push(...)`: a long list would overflow the stack. */
const append = <T>(list: T[], more: readonly T[]): void => {
  for (const item of more) list.push(item);
};

const readTensor = (bytes: Uint8Array): NamedTensor => {
  let name = '';
  let dtypeCode = 0;
  let raw: Uint8Array | undefined;
  const dims: number[] = [];
  const numbers: (number | bigint)[] = [];
  const strings: Field[] = [];
  for (const field of fieldsOf(bytes)) {
    if (field.field === 1) append(dims, intsOf(field, 'dims').map(Number));
    else if (field.field === 2) dtypeCode = smallIntOf(field, 'data_type');
    else if (field.field === 4) append(numbers, floatsOf(field, 4, 'float_data'));
    else if (field.field === 5 || field.field === 7 || field.field === 11)
      append(numbers, intsOf(field, 'int_data'));
    else if (field.field === 6) strings.push(field);
    else if (field.field === 8) name = textOf(field, 'tensor name');
    else if (field.field === 9) raw = expectWire(field, BYTES, 'raw_data').bytes;
    else if (field.field === 10) append(numbers, floatsOf(field, 8, 'double_data'));
    else if (field.field === 13 || (field.field === 14 && field.int !== 0n))
      throw new OnnxFormatError('data outside the file is not supported');
  }
  const dtype = dtypeOfCode(dtypeCode);
  if (dtype === undefined) throw new OnnxFormatError(`tensor element type ${dtypeCode} is not supported`);
  const count = elementCount(dims);
  return { name, dtype, dims, data: tensorData(dtype, count, { raw, numbers, strings }) };
};

const elementCount = (dims: readonly number[]): number => {
  let count = 1;
  for (const dim of dims) {
    count *= dim;
    if (dim < 0 || !Number.isSafeInteger(count))
      throw new OnnxFormatError('a tensor dimension is out of range');
  }
  return count;
};

const tensorData = (
  dtype: Dtype,
  count: number,
  stored: { raw: Uint8Array | undefined; numbers: (number | bigint)[]; strings: Field[] },
): TensorData => {
  const mismatch = (got: number): never => {
    throw new OnnxFormatError(`a tensor of ${count} elements holds data for ${got}`);
  };
  if (dtype === 'string') {
    if (stored.strings.length !== count) mismatch(stored.strings.length);
    return stored.strings.map((field) => textOf(field, 'string_data'));
  }
  if (stored.raw !== undefined) {
    if (stored.raw.byteLength !== count * bytesPerElement(dtype))
      mismatch(stored.raw.byteLength / bytesPerElement(dtype));
    return dataOfBytes(dtype, stored.raw);
  }
  if (stored.numbers.length !== count) mismatch(stored.numbers.length);
  try {
    return tensor(dtype, stored.numbers as number[]).data;
  } catch {
    throw new OnnxFormatError(`tensor data does not fit its element type ${dtype}`);
  }
};

const readValueInfo = (bytes: Uint8Array): ValueInfo => {
  let name = '';
  let type: Pick<ValueInfo, 'dtype' | 'shape'> = {};
  for (const field of fieldsOf(bytes)) {
    if (field.field === 1) name = textOf(field, 'value name');
    else if (field.field === 2)
      for (const kind of fieldsOf(expectWire(field, BYTES, 'value type').bytes))
        if (kind.field === 1) type = readTensorType(expectWire(kind, BYTES, 'tensor type').bytes);
  }
  return { name, ...type };
};

const readTensorType = (bytes: Uint8Array): Pick<ValueInfo, 'dtype' | 'shape'> => {
  let dtype: Dtype | undefined;
  let shape: Dim[] | undefined;
  for (const field of fieldsOf(bytes)) {
    if (field.field === 1) dtype = dtypeOfCode(smallIntOf(field, 'elem_type'));
    else if (field.field === 2) {
      shape = [];
      for (const dim of fieldsOf(expectWire(field, BYTES, 'shape').bytes))
        if (dim.field === 1) shape.push(readDim(expectWire(dim, BYTES, 'dim').bytes));
    }
  }
  if (dtype === undefined) return {};
  return shape === undefined ? { dtype } : { dtype, shape };
};

const readDim = (bytes: Uint8Array): Dim => {
  let dim: Dim = '?';
  for (const field of fieldsOf(bytes)) {
    if (field.field === 1) dim = smallIntOf(field, 'dim_value');
    else if (field.field === 2) dim = textOf(field, 'dim_param') || '?';
  }
  return dim;
};
