import { ML_OPSET, OPSET } from './emit';
import { GraphError } from './errors';
import type { AttributeProto, ModelProto, NodeProto, ValueInfo } from './proto/model';
import { readModel } from './proto/read';
import { showShape, type Dim, type Shape } from './tensor';
import type { Value } from './value';
import { constant, node, type Attribute } from './value';

/**
 * Turns a model back into values, so that several exported models can become one file: `emit` shares the nodes and
 * constants that they have in common. Takes what `modelBytes` writes, without loops and branches.
 *
 * Only results that the model names as outputs are given back: the types and shapes of what lies between do not stand
 * in the file and are left open.
 * @returns a function from the model's inputs by name to its outputs by name; named dimensions of the outputs become
 * those of the inputs given
 * @throws GraphError when the model needs another operator set or has a body, and when an input does not fit
 */
export const inlineModel = (
  model: ModelProto | Uint8Array,
): ((inputs: Readonly<Record<string, Value>>) => Record<string, Value>) => {
  const { opsetImports, graph } = model instanceof Uint8Array ? readModel(model) : model;
  for (const { domain, version } of opsetImports) {
    const written = domain === '' ? OPSET : domain === 'ai.onnx.ml' ? ML_OPSET : 1;
    if (version !== written)
      throw new GraphError(
        `model ${graph.name}: operator set ${JSON.stringify(domain)} of version ${version}, only ${written} can be inlined`,
      );
  }
  const constants = graph.initializers.map((tensor) => [tensor.name, constant(tensor)] as const);
  const nodes = graph.nodes.map((item) => ({ item, attributes: attributesOf(graph.name, item) }));
  return (inputs) => {
    const values = new Map<string, Value>(constants);
    const dims = new Map<string, Dim>();
    for (const wanted of graph.inputs) {
      if (values.has(wanted.name)) continue;
      const given = Object.hasOwn(inputs, wanted.name) ? inputs[wanted.name] : undefined;
      if (given === undefined) throw new GraphError(`model ${graph.name}: no input ${wanted.name}`);
      checkInput(graph.name, wanted, given, dims);
      values.set(wanted.name, given);
    }
    const find = (name: string): Value => {
      const value = values.get(name);
      if (value === undefined) throw new GraphError(`model ${graph.name}: nothing computes ${name}`);
      return value;
    };
    const declared = new Map(
      [...graph.outputs, ...(graph.between ?? [])].map((value) => [value.name, value]),
    );
    for (const { item, attributes } of nodes) {
      const results = node(
        item.op,
        item.inputs.map((name) => (name === '' ? undefined : find(name))),
        item.outputs.map((name) => typeOf(graph.name, item, declared.get(name), dims)),
        attributes,
        item.domain,
      );
      results.forEach((value, at) => values.set(item.outputs[at] ?? '', value));
    }
    return Object.fromEntries(graph.outputs.map(({ name }) => [name, find(name)]));
  };
};

/** Nothing outside of this file sees these values, and no type is written for them: any will do. */
const OPEN = { dtype: 'float32', shape: [] } as const;

const typeOf = (
  model: string,
  { domain, op }: NodeProto,
  output: ValueInfo | undefined,
  dims: ReadonlyMap<string, Dim>,
) => {
  if (output === undefined) {
    // `emit` states these types again.
    if (domain !== '')
      throw new GraphError(`model ${model}: the type of a result of ${op} does not stand in it`);
    return OPEN;
  }
  const { dtype, shape, name } = output;
  if (dtype === undefined || shape === undefined)
    throw new GraphError(`model ${model}: output ${name} has no type or shape`);
  return { dtype, shape: shape.map((dim) => renamed(dim, dims)) };
};

/** Names may be products («rows*24»). */
const renamed = (dim: Dim, dims: ReadonlyMap<string, Dim>): Dim => {
  if (typeof dim === 'number') return dim;
  const factors = dim
    .split('*')
    .map((factor) => dims.get(factor) ?? (/^\d+$/.test(factor) ? Number(factor) : factor));
  if (!factors.every((factor) => typeof factor === 'number')) return factors.join('*');
  return factors.reduce((product, factor) => product * factor, 1);
};

const checkInput = (model: string, wanted: ValueInfo, given: Value, dims: Map<string, Dim>): void => {
  const fits = (shape: Shape): boolean =>
    shape.length === given.rank &&
    shape.every((dim, axis) => {
      const here = given.shape[axis];
      if (here === undefined || typeof dim === 'number') return dim === here;
      const bound = dims.get(dim);
      if (bound === undefined) dims.set(dim, here);
      return bound === undefined || bound === here;
    });
  const { name, dtype, shape = [] } = wanted;
  if (dtype !== given.dtype || !fits(shape))
    throw new GraphError(
      `model ${model}: input ${name} is ${dtype} ${showShape(shape)}, got ${given.dtype} ${showShape(given.shape)}`,
    );
};

const attributesOf = (model: string, item: NodeProto): Record<string, Attribute> =>
  Object.fromEntries(
    item.attributes.map((attribute) => [attribute.name, attributeOf(model, item, attribute)]),
  );

const attributeOf = (model: string, item: NodeProto, attribute: AttributeProto): Attribute => {
  const refused = (why: string): GraphError =>
    new GraphError(`model ${model}: ${item.op} cannot be inlined, attribute ${attribute.name} ${why}`);
  const whole = (value: number | bigint): number => {
    if (!Number.isSafeInteger(Number(value))) throw refused(`holds ${value}`);
    return Number(value);
  };
  switch (attribute.type) {
    case 'graph':
    case 'tensor':
      throw refused(`is a ${attribute.type}`);
    case 'int':
      return { type: 'int', value: whole(attribute.value) };
    case 'ints':
      return { type: 'ints', value: attribute.value.map(whole) };
    case 'float':
    case 'string':
    case 'floats':
    case 'strings': {
      const { type, value } = attribute;
      return { type, value } as Attribute;
    }
  }
};
