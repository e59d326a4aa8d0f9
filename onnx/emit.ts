import { GraphError } from './errors';
import { writeModel } from './proto/write';
import type {
  AttributeProto,
  GraphProto,
  ModelProto,
  NamedTensor,
  NodeProto,
  ValueInfo,
} from './proto/model';
import { sameShape, type Tensor, type TensorData } from './tensor';
import { innermost, MAIN, type Attribute, type Body, type Node, type Scope, type Value } from './value';

export interface ModelParts {
  readonly name: string;
  /** All inputs that the outputs need, in the order the model shall list them; others are refused. */
  readonly inputs: readonly Value[];
  readonly outputs: Readonly<Record<string, Value>>;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** What onnxruntime 1.14 and later and Debian's checker read alike. */
export const IR_VERSION = 8;
export const OPSET = 17;
export const ML_OPSET = 3;

/** Serialises the graph behind `outputs`; equal builds give equal bytes. */
export const modelBytes = (parts: ModelParts): Uint8Array => writeModel(modelProto(parts));

/** @throws GraphError when an output depends on an input that is not listed, or on a body's inside. */
export const modelProto = (parts: ModelParts): ModelProto => {
  const emitter = new Emitter();
  const graph = emitter.main(parts);
  return {
    irVersion: IR_VERSION,
    producerName: 'modelmint',
    opsetImports: [
      { domain: '', version: OPSET },
      ...(emitter.domains.has('ai.onnx.ml') ? [{ domain: 'ai.onnx.ml', version: ML_OPSET }] : []),
      ...(emitter.domains.has('com.microsoft') ? [{ domain: 'com.microsoft', version: 1 }] : []),
    ],
    graph,
    metadata: Object.entries(parts.metadata ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)),
  };
};

/** Operators whose results after the first may be left out where nothing uses them. */
const OPTIONAL_RESULTS: ReadonlySet<string> = new Set(['MaxPool', 'LayerNormalization', 'GRU', 'LSTM']);

const BROADCASTING: ReadonlySet<string> = new Set(['Add', 'Sub', 'Mul', 'Div']);

/** A node's inputs; past a Reshape that only drops leading axes of length one, since broadcasting does that by itself. */
const inputsOf = ({ op, inputs, outputs }: Node): readonly (Value | undefined)[] =>
  inputs.map((value, at) => {
    if (value?.origin.kind !== 'node' || value.origin.node.op !== 'Reshape') return value;
    if (op === 'Gemm' ? at !== 2 : !BROADCASTING.has(op)) return value;
    const [source] = value.origin.node.inputs;
    const extra = (source?.rank ?? 0) - value.rank;
    const fits =
      source !== undefined &&
      extra > 0 &&
      source.rank <= (outputs[0]?.rank ?? 0) &&
      sameShape(source.shape, [...new Array<number>(extra).fill(1), ...value.shape]);
    return fits ? source : value;
  });

/** Values and shared computations that are visible in one graph and in the bodies within it. */
class Frame {
  readonly names = new Map<Value, string>();
  readonly computed = new Map<string, readonly string[]>();
  readonly constants = new Map<string, NamedTensor[]>();
  readonly initializers: NamedTensor[] = [];
  readonly nodes: NodeProto[] = [];
  readonly between: ValueInfo[] = [];
  constructor(readonly parent: Frame | undefined) {}

  nameOf(value: Value): string | undefined {
    return this.names.get(value) ?? this.parent?.nameOf(value);
  }
  constantNamed(key: string, content: Tensor): string | undefined {
    const found = this.constants.get(key)?.find((other) => sameContent(other.data, content.data));
    return found?.name ?? this.parent?.constantNamed(key, content);
  }
  computedAs(key: string): readonly string[] | undefined {
    return this.computed.get(key) ?? this.parent?.computedAs(key);
  }
}

class Emitter {
  readonly domains = new Set<string>();
  private readonly nodesByScope = new Map<Scope, Node[]>();
  private readonly used = new Set<Value>();
  private readonly taken = new Set<string>();
  private count = 0;

  main(parts: ModelParts): GraphProto {
    const outputs = Object.entries(parts.outputs);
    this.collect(outputs.map(([, value]) => value));
    const frame = new Frame(undefined);
    for (const value of parts.inputs) {
      if (value.origin.kind !== 'input' || value.origin.scope !== MAIN)
        throw new GraphError(`model ${parts.name}: a listed input is not an input`);
      this.claim(value.origin.name, `input of model ${parts.name}`);
      frame.names.set(value, value.origin.name);
    }
    const wanted = new Map<Value, string>();
    for (const [name, value] of outputs) {
      this.claim(name, `output of model ${parts.name}`);
      if (value.origin.kind === 'node' && !wanted.has(value)) wanted.set(value, name);
    }
    this.emitNodes(MAIN, frame, wanted);
    for (const [name, value] of outputs)
      if (frame.nameOf(value) !== name) this.identity(frame, this.reference(frame, value), name);
    return {
      name: parts.name,
      nodes: frame.nodes,
      initializers: frame.initializers,
      inputs: parts.inputs.map((value) => info(this.reference(frame, value), value)),
      outputs: outputs.map(([name, value]) => info(name, value)),
      ...betweenOf(frame),
    };
  }

  /** Finds every node that the values need, through bodies too, and sorts them by the scope they belong to. */
  private collect(roots: readonly Value[]): void {
    const seen = new Set<Node>();
    const waiting = [...roots];
    for (let value = waiting.pop(); value !== undefined; value = waiting.pop()) {
      this.used.add(value);
      if (value.origin.kind !== 'node' || seen.has(value.origin.node)) continue;
      const found = value.origin.node;
      seen.add(found);
      for (const input of inputsOf(found)) if (input !== undefined) waiting.push(input);
      for (const attribute of Object.values(found.attributes))
        if (attribute.type === 'body') waiting.push(...attribute.value.outputs);
      const scope = innermost(found.scopes);
      const list = this.nodesByScope.get(scope);
      if (list === undefined) this.nodesByScope.set(scope, [found]);
      else list.push(found);
    }
  }

  private emitNodes(scope: Scope, frame: Frame, wanted: ReadonlyMap<Value, string>): void {
    const nodes = (this.nodesByScope.get(scope) ?? []).sort((a, b) => a.id - b.id);
    for (const item of nodes) this.emitNode(item, frame, wanted);
  }

  private emitNode(item: Node, frame: Frame, wanted: ReadonlyMap<Value, string>): void {
    const inputs = inputsOf(item).map((value) => (value === undefined ? '' : this.reference(frame, value)));
    while (inputs.at(-1) === '') inputs.pop();
    const hasBody = Object.values(item.attributes).some(({ type }) => type === 'body');
    const sorted = Object.entries(item.attributes).sort(([a], [b]) => (a < b ? -1 : 1));
    const results = OPTIONAL_RESULTS.has(item.op) ? this.usedResults(item) : item.outputs;
    const key = hasBody
      ? undefined
      : JSON.stringify([item.op, item.domain, inputs, results.length, sorted.map(asStored)]);
    const known = key === undefined ? undefined : frame.computedAs(key);
    if (known !== undefined) {
      results.forEach((value, index) => frame.names.set(value, known[index] ?? ''));
      return;
    }
    const attributes = sorted.map(([name, attribute]) => this.attribute(name, attribute, frame));
    const outputs = results.map((value) => wanted.get(value) ?? this.fresh(item.op));
    results.forEach((value, index) => frame.names.set(value, outputs[index] ?? ''));
    if (key !== undefined) frame.computed.set(key, outputs);
    if (item.domain !== '') {
      this.domains.add(item.domain);
      // The ONNX checker infers no types for several operators from outside of the standard set.
      results.forEach((value, index) => {
        if (!wanted.has(value)) frame.between.push(info(outputs[index] ?? '', value));
      });
    }
    frame.nodes.push({ op: item.op, domain: item.domain, name: '', inputs, outputs, attributes });
  }

  /** Without the last results, as far as nothing uses them. */
  private usedResults(item: Node): readonly Value[] {
    let count = item.outputs.length;
    for (; count > 1; count--) {
      const value = item.outputs[count - 1];
      if (value === undefined || this.used.has(value)) break;
    }
    return item.outputs.slice(0, count);
  }

  private attribute(name: string, attribute: Attribute, frame: Frame): AttributeProto {
    return attribute.type === 'body'
      ? { name, type: 'graph', value: this.body(name, attribute.value, frame) }
      : { name, ...attribute };
  }

  private body(name: string, body: Body, parent: Frame): GraphProto {
    const frame = new Frame(parent);
    for (const value of body.inputs)
      frame.names.set(value, this.fresh(value.origin.kind === 'input' ? value.origin.name : 'input'));
    this.emitNodes(body.scope, frame, new Map());
    const outputs: ValueInfo[] = [];
    const listed = new Set<string>();
    for (const value of body.outputs) {
      let reference = this.reference(frame, value);
      // A body may only return what it computes itself, each result once.
      const computedHere = frame.nodes.some((made) => made.outputs.includes(reference));
      if (!computedHere || listed.has(reference))
        reference = this.identity(frame, reference, this.fresh('Identity'));
      listed.add(reference);
      outputs.push(info(reference, value));
    }
    return {
      name,
      nodes: frame.nodes,
      initializers: frame.initializers,
      inputs: body.inputs.map((value) => info(this.reference(frame, value), value)),
      outputs,
      ...betweenOf(frame),
    };
  }

  private identity(frame: Frame, from: string, to: string): string {
    frame.nodes.push({ op: 'Identity', domain: '', name: '', inputs: [from], outputs: [to], attributes: [] });
    return to;
  }

  private reference(frame: Frame, value: Value): string {
    const known = frame.nameOf(value);
    if (known !== undefined) return known;
    const { origin } = value;
    switch (origin.kind) {
      case 'constant':
        return this.constant(frame, value, origin.tensor);
      case 'input':
        throw new GraphError(
          origin.scope === MAIN
            ? `the model's outputs need input ${JSON.stringify(origin.name)}, which is not listed`
            : `${JSON.stringify(origin.name)} belongs to a ${origin.scope.what} and is used outside of it`,
        );
      case 'node':
        throw new GraphError(`a result of ${origin.node.op} is used outside of the body that computes it`);
    }
  }

  private constant(frame: Frame, value: Value, content: Tensor): string {
    const key = contentKey(content);
    const known = frame.constantNamed(key, content);
    const name = known ?? this.fresh('const');
    frame.names.set(value, name);
    if (known !== undefined) return name;
    const made = { ...content, name };
    frame.constants.set(key, [...(frame.constants.get(key) ?? []), made]);
    frame.initializers.push(made);
    return name;
  }

  private claim(name: string, what: string): void {
    if (name === '' || this.taken.has(name))
      throw new GraphError(`${what}: the name "${name}" is empty or taken`);
    this.taken.add(name);
  }

  private fresh(stem: string): string {
    let name: string;
    do name = `${stem}_${this.count++}`;
    while (this.taken.has(name));
    this.taken.add(name);
    return name;
  }
}

const betweenOf = ({ between }: Frame) => (between.length > 0 ? { between } : {});

const info = (name: string, { dtype, shape }: Value): ValueInfo => ({ name, dtype, shape });

/** As the file will hold it, so that a number read from a file equals the one it was written from. */
const asStored = ([name, attribute]: readonly [string, Attribute]) => {
  if (attribute.type === 'float') return [name, Math.fround(attribute.value)];
  if (attribute.type === 'floats') return [name, attribute.value.map(Math.fround)];
  return [name, attribute.value];
};

const bytesOf = (data: ArrayBufferView): Uint8Array =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

/** Equal constants are shared: this finds those that may be equal, `sameContent` decides. */
const contentKey = ({ dtype, dims, data }: Tensor): string => {
  // FNV-1a over the first kilobyte and the length: weights differ early, and a key need not tell all apart.
  let hash = 0x811c9dc5;
  const add = (byte: number): void => {
    hash = Math.imul(hash ^ byte, 0x01000193);
  };
  if (ArrayBuffer.isView(data)) bytesOf(data).subarray(0, 1024).forEach(add);
  else
    for (const text of data.slice(0, 64)) for (let at = 0; at < text.length; at++) add(text.charCodeAt(at));
  return `${dtype}${JSON.stringify(dims)}${hash}`;
};

const sameContent = (a: TensorData, b: TensorData): boolean => {
  if (a === b) return true;
  if (ArrayBuffer.isView(a) && ArrayBuffer.isView(b)) {
    const [left, right] = [bytesOf(a), bytesOf(b)];
    return left.length === right.length && left.every((byte, at) => byte === right[at]);
  }
  if (ArrayBuffer.isView(a) || ArrayBuffer.isView(b)) return false;
  return a.length === b.length && a.every((text, at) => text === b[at]);
};
