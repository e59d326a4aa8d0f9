import { GraphError } from './errors';
import { tensor, type Dtype, type Shape, type Tensor } from './tensor';

/**
 * A graph is a web of immutable values: an operator takes values and returns new ones whose type and shape are
 * known at once. Nothing is «added to a graph»; `emit.ts` collects what the outputs need, so that unused nodes
 * vanish, equal ones are shared, and what does not change inside a loop is computed before it.
 */
export class Value {
  constructor(
    readonly origin: Origin,
    readonly dtype: Dtype,
    readonly shape: Shape,
  ) {}

  get rank(): number {
    return this.shape.length;
  }
}

export type Origin =
  | { readonly kind: 'input'; readonly name: string; readonly scope: Scope }
  | { readonly kind: 'constant'; readonly tensor: Tensor }
  | { readonly kind: 'node'; readonly node: Node; readonly index: number };

/** Where values live: the main graph, or one body of a Loop, Scan or If. Inner scopes have higher ids. */
export class Scope {
  readonly id = nextId();
  constructor(readonly what: string) {}
}

export interface Body {
  readonly scope: Scope;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
}

export type Attribute =
  | { readonly type: 'float'; readonly value: number }
  | { readonly type: 'int'; readonly value: number }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'ints'; readonly value: readonly number[] }
  | { readonly type: 'floats'; readonly value: readonly number[] }
  | { readonly type: 'strings'; readonly value: readonly string[] }
  | { readonly type: 'body'; readonly value: Body };

export interface Node {
  /** Rises with creation, so ascending ids are a topological order. */
  readonly id: number;
  readonly op: string;
  readonly domain: string;
  /** undefined stands for an optional input that is left out. */
  readonly inputs: readonly (Value | undefined)[];
  readonly attributes: Readonly<Record<string, Attribute>>;
  readonly outputs: readonly Value[];
  /** Every scope that the node's result depends on; it is emitted in the innermost. */
  readonly scopes: ReadonlySet<Scope>;
}

let lastId = 0;
const nextId = (): number => ++lastId;

export const MAIN = new Scope('main graph');

/** Branches of If that are being built: their nodes must stay inside although they may depend on nothing there. */
const openBranches: Scope[] = [];

export const inBranch = <T>(scope: Scope, build: () => T): T => {
  openBranches.push(scope);
  try {
    return build();
  } finally {
    openBranches.pop();
  }
};

export const scopesOf = (value: Value): ReadonlySet<Scope> => {
  switch (value.origin.kind) {
    case 'input':
      return new Set([value.origin.scope]);
    case 'constant':
      return new Set();
    case 'node':
      return value.origin.node.scopes;
  }
};

export const innermost = (scopes: ReadonlySet<Scope>): Scope => {
  let found = MAIN;
  for (const scope of scopes) if (scope.id > found.id) found = scope;
  return found;
};

/** Every node that the values are computed by, those in bodies among them. */
export const nodesBehind = (values: readonly Value[]): ReadonlySet<Node> => {
  const found = new Set<Node>();
  const waiting = [...values];
  for (let value = waiting.pop(); value !== undefined; value = waiting.pop()) {
    if (value.origin.kind !== 'node' || found.has(value.origin.node)) continue;
    const { node: one } = value.origin;
    found.add(one);
    for (const input of one.inputs) if (input !== undefined) waiting.push(input);
    for (const attribute of Object.values(one.attributes))
      if (attribute.type === 'body') waiting.push(...attribute.value.outputs);
  }
  return found;
};

export interface OutputType {
  readonly dtype: Dtype;
  readonly shape: Shape;
}

/**
 * The door for every operator: functions of `op/` check shapes and end here.
 * @param domain '' is ONNX itself; 'ai.onnx.ml' and 'com.microsoft' are the others in use
 */
export const node = (
  op: string,
  inputs: readonly (Value | undefined)[],
  outputs: readonly OutputType[],
  attributes: Readonly<Record<string, Attribute>> = {},
  domain = '',
): Value[] => {
  const scopes = new Set<Scope>(openBranches);
  for (const input of inputs) if (input !== undefined) for (const scope of scopesOf(input)) scopes.add(scope);
  for (const attribute of Object.values(attributes)) {
    if (attribute.type !== 'body') continue;
    for (const output of attribute.value.outputs)
      for (const scope of scopesOf(output)) if (scope !== attribute.value.scope) scopes.add(scope);
  }
  const results: Value[] = [];
  const made: Node = { id: nextId(), op, domain, inputs, attributes, outputs: results, scopes };
  outputs.forEach(({ dtype, shape }, index) =>
    results.push(new Value({ kind: 'node', node: made, index }, dtype, checkedShape(op, shape))),
  );
  return results;
};

/** `node` for operators with one output. */
export const node1 = (
  op: string,
  inputs: readonly (Value | undefined)[],
  output: OutputType,
  attributes?: Readonly<Record<string, Attribute>>,
  domain?: string,
): Value => {
  const [value] = node(op, inputs, [output], attributes, domain);
  if (value === undefined) throw new GraphError(`${op} has no output`);
  return value;
};

const checkedShape = (op: string, shape: Shape): Shape => {
  for (const dim of shape)
    if (typeof dim === 'number' && !(Number.isSafeInteger(dim) && dim >= 0))
      throw new GraphError(`${op}: ${dim} is not a dimension`);
  return shape;
};

/** An input of the model. */
export const input = (name: string, dtype: Dtype, shape: Shape): Value =>
  new Value({ kind: 'input', name, scope: MAIN }, dtype, checkedShape(`input ${name}`, shape));

/** An input of a body (Loop, Scan). */
export const bodyInput = (scope: Scope, name: string, dtype: Dtype, shape: Shape): Value =>
  new Value({ kind: 'input', name, scope }, dtype, shape);

/** A value that stands in the file. */
export const constant = (content: Tensor): Value =>
  new Value({ kind: 'constant', tensor: content }, content.dtype, content.dims);

export const scalar = (value: number, dtype: Dtype = 'float32'): Value =>
  constant(tensor(dtype, [value], []));

export const vector = (values: readonly number[], dtype: Dtype = 'float32'): Value =>
  constant(tensor(dtype, values));

export const int64s = (values: readonly number[]): Value => vector(values, 'int64');
