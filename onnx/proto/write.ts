import { DTYPE_CODES, type Tensor } from '../tensor';
import {
  ATTRIBUTE_TYPES,
  type AttributeProto,
  type GraphProto,
  type ModelProto,
  type NodeProto,
  type ValueInfo,
} from './model';
import { WireWriter } from './wire';

/**
 * Serialises a model (field numbers of onnx.proto, fields in ascending order, nothing optional written when it is
 * absent): the same model always gives the same bytes. Numbers are stored as raw little-endian data, which is the
 * byte order of every platform that onnxruntime supports.
 */
export const writeModel = (model: ModelProto): Uint8Array => {
  const writer = new WireWriter();
  writer.int(1, model.irVersion);
  if (model.producerName !== undefined) writer.string(2, model.producerName);
  if (model.producerVersion !== undefined) writer.string(3, model.producerVersion);
  if (model.modelVersion !== undefined) writer.int(5, model.modelVersion);
  if (model.docString !== undefined) writer.string(6, model.docString);
  writer.message(7, (graph) => writeGraph(graph, model.graph));
  for (const { domain, version } of model.opsetImports)
    writer.message(8, (opset) => {
      if (domain !== '') opset.string(1, domain);
      opset.int(2, version);
    });
  for (const [key, value] of model.metadata ?? [])
    writer.message(14, (entry) => {
      entry.string(1, key);
      entry.string(2, value);
    });
  return writer.view().slice();
};

const writeGraph = (writer: WireWriter, graph: GraphProto): void => {
  for (const node of graph.nodes) writer.message(1, (nested) => writeNode(nested, node));
  writer.string(2, graph.name);
  for (const initializer of graph.initializers)
    writer.message(5, (nested) => writeTensor(nested, initializer, initializer.name));
  for (const input of graph.inputs) writer.message(11, (nested) => writeValueInfo(nested, input));
  for (const output of graph.outputs) writer.message(12, (nested) => writeValueInfo(nested, output));
  for (const value of graph.between ?? []) writer.message(13, (nested) => writeValueInfo(nested, value));
};

const writeNode = (writer: WireWriter, node: NodeProto): void => {
  for (const input of node.inputs) writer.string(1, input);
  for (const output of node.outputs) writer.string(2, output);
  if (node.name !== '') writer.string(3, node.name);
  writer.string(4, node.op);
  for (const attribute of node.attributes) writer.message(5, (nested) => writeAttribute(nested, attribute));
  if (node.domain !== '') writer.string(7, node.domain);
};

const writeAttribute = (writer: WireWriter, attribute: AttributeProto): void => {
  writer.string(1, attribute.name);
  switch (attribute.type) {
    case 'float':
      writer.float(2, attribute.value);
      break;
    case 'int':
      writer.int(3, attribute.value);
      break;
    case 'string':
      writer.string(4, attribute.value);
      break;
    case 'tensor':
      writer.message(5, (nested) => writeTensor(nested, attribute.value, attribute.value.name));
      break;
    case 'graph':
      writer.message(6, (nested) => writeGraph(nested, attribute.value));
      break;
    case 'floats':
      for (const value of attribute.value) writer.float(7, value);
      break;
    case 'ints':
      for (const value of attribute.value) writer.int(8, value);
      break;
    case 'strings':
      for (const value of attribute.value) writer.string(9, value);
      break;
  }
  writer.int(20, ATTRIBUTE_TYPES[attribute.type]);
};

const writeTensor = (writer: WireWriter, { dtype, dims, data }: Tensor, name: string): void => {
  for (const dim of dims) writer.int(1, dim);
  writer.int(2, DTYPE_CODES[dtype]);
  if (!ArrayBuffer.isView(data)) for (const text of data) writer.string(6, text);
  if (name !== '') writer.string(8, name);
  if (ArrayBuffer.isView(data))
    writer.bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
};

const writeValueInfo = (writer: WireWriter, { name, dtype, shape }: ValueInfo): void => {
  writer.string(1, name);
  if (dtype === undefined) return;
  writer.message(2, (type) =>
    type.message(1, (tensorType) => {
      tensorType.int(1, DTYPE_CODES[dtype]);
      if (shape === undefined) return;
      tensorType.message(2, (dims) => {
        for (const dim of shape)
          dims.message(1, (entry) => {
            if (typeof dim === 'number') entry.int(1, dim);
            else if (dim !== '?') entry.string(2, dim);
          });
      });
    }),
  );
};
