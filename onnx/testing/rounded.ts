/** Half precision as a card computes it, on the cpu provider of onnxruntime. */
import type { GraphProto, NodeProto } from '../proto/model';
import { readModel } from '../proto/read';
import { writeModel } from '../proto/write';
import { DTYPE_CODES } from '../tensor';

/**
 * The same model, but casts to and from float16 are not lost: the cpu provider has no such products, computes them in float32
 * and then drops the pairs of casts around them. It keeps a pair with a Reshape between, so each cast gets one, to the shape
 * that there is.
 */
export const rounded = (model: Uint8Array): Uint8Array => {
  const read = readModel(model);
  return writeModel({ ...read, graph: inGraph(read.graph) });
};

const inGraph = (graph: GraphProto): GraphProto => ({
  ...graph,
  nodes: graph.nodes.flatMap((item): NodeProto[] => {
    const attributes = item.attributes.map((attribute) =>
      attribute.type === 'graph' ? { ...attribute, value: inGraph(attribute.value) } : attribute,
    );
    const to = attributes.find(({ name }) => name === 'to');
    const [from = ''] = item.inputs;
    const [result = ''] = item.outputs;
    if (item.op !== 'Cast' || to?.type !== 'int') return [{ ...item, attributes }];
    if (Number(to.value) === DTYPE_CODES.float16)
      return [{ ...item, outputs: [`${result}/raw`] }, ...reshaped(`${result}/raw`, result)];
    const kept = `${from}/kept for ${result}`;
    return [...reshaped(from, kept), { ...item, inputs: [kept] }];
  }),
});

const reshaped = (from: string, to: string): NodeProto[] => {
  const plain = { domain: '', name: '', attributes: [] };
  return [
    { ...plain, op: 'Shape', inputs: [from], outputs: [`${to}/shape`] },
    { ...plain, op: 'Reshape', inputs: [from, `${to}/shape`], outputs: [to] },
  ];
};
