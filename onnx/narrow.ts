import type { AttributeProto, GraphProto, NamedTensor, NodeProto } from './proto/model';
import { readModel } from './proto/read';
import { writeModel } from './proto/write';
import { tensor } from './tensor';

type Constants = ReadonlyMap<string, NamedTensor>;

/**
 * The same model in which no Split has more than `most` results: longer ones become splits of splits. For devices whose
 * kernels can write only so many tensors at once.
 */
export const narrowSplits = (model: Uint8Array, most: number): Uint8Array => {
  const read = readModel(model);
  return writeModel({ ...read, graph: narrowed(read.graph, new Map(), most) });
};

/** `outer`: constants of the graphs around this one. */
const narrowed = (graph: GraphProto, outer: Constants, most: number): GraphProto => {
  const constants = new Map([...outer, ...graph.initializers.map((each) => [each.name, each] as const)]);
  const added: NamedTensor[] = [];
  const inside = (attribute: AttributeProto): AttributeProto =>
    attribute.type === 'graph'
      ? { ...attribute, value: narrowed(attribute.value, constants, most) }
      : attribute;
  const nodes = graph.nodes.flatMap((item): NodeProto[] => {
    if (item.op !== 'Split' || item.outputs.length <= most)
      return [{ ...item, attributes: item.attributes.map(inside) }];
    const [source = '', lengths = ''] = item.inputs;
    const given = constants.get(lengths)?.data as BigInt64Array | undefined;
    if (given === undefined) return [item]; // lengths that are computed: no graph of ours has them
    const cut = (from: string, results: readonly string[], sizes: readonly bigint[]): NodeProto[] => {
      const each = results.length <= most ? 1 : Math.max(most, Math.ceil(results.length / most));
      const nested: NodeProto[] = [];
      const [outputs, sums]: [string[], bigint[]] = [[], []];
      for (let at = 0; at < results.length; at += each) {
        const [part, of] = [results.slice(at, at + each), sizes.slice(at, at + each)];
        const [only = ''] = part;
        const name = part.length === 1 ? only : `${only}/${part.length} parts`;
        outputs.push(name);
        sums.push(of.reduce((sum, size) => sum + size, 0n));
        if (part.length > 1) nested.push(...cut(name, part, of));
      }
      const split = `${from}/${outputs[0]}/lengths`;
      added.push({ ...tensor('int64', BigInt64Array.from(sums)), name: split });
      return [{ ...item, inputs: [from, split], outputs }, ...nested];
    };
    return cut(source, item.outputs, [...given]);
  });
  return { ...graph, nodes, initializers: [...graph.initializers, ...added] };
};
