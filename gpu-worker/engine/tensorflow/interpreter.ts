/** Computes values of an onnx/ graph with TensorFlow.js, node by node. */
import type * as tfjs from '@tensorflow/tfjs-core';
import { GraphError } from '../../../onnx';
import type { Node, Tensor, Value } from '../../../onnx';
import type { TensorFlow } from './call';
import { OPERATORS } from './operators';

/** A constant of the graph or a feed as a tensor; whole numbers of any width become int32. */
export const tensorOf = (tf: TensorFlow, { dtype, data, dims }: Tensor): tfjs.Tensor => {
  if (dtype === 'string') throw new GraphError('the tensorflow engine takes no text');
  const shape = [...dims];
  if (data instanceof Float32Array) return tf.tensor(data, shape, 'float32');
  if (data instanceof Int32Array) return tf.tensor(data, shape, 'int32');
  const numbers = Array.from(data as Iterable<number | bigint>, Number);
  if (dtype === 'bool') return tf.tensor(numbers, shape, 'bool');
  return tf.tensor(numbers, shape, dtype === 'float64' ? 'float32' : 'int32');
};

/**
 * The tensors of `wanted`, in order. `given` holds the inputs, and keeps every value that was computed on the way.
 * @throws GraphError for an operator that TensorFlow.js has not, listing those it has
 */
export const interpret = (
  tf: TensorFlow,
  wanted: readonly Value[],
  given: Map<Value, tfjs.Tensor>,
): tfjs.Tensor[] => {
  for (const node of nodesBehind(wanted, given)) {
    const operator = node.domain === '' ? OPERATORS[node.op] : undefined;
    if (operator === undefined)
      throw new GraphError(
        `the tensorflow engine has no ${node.op}; one of: ${Object.keys(OPERATORS).join(', ')}`,
      );
    const x = node.inputs.map((operand) =>
      operand === undefined ? undefined : resolved(tf, operand, given),
    );
    const result = operator({ tf, node, x: x as tfjs.Tensor[] });
    const results = 'dtype' in result ? [result] : result;
    node.outputs.forEach((output, index) => {
      const computed = results[index];
      if (computed !== undefined) given.set(output, computed);
    });
  }
  return wanted.map((value) => resolved(tf, value, given));
};

const resolved = (tf: TensorFlow, value: Value, given: Map<Value, tfjs.Tensor>): tfjs.Tensor => {
  const known = given.get(value);
  if (known !== undefined) return known;
  if (value.origin.kind !== 'constant') throw new GraphError('a value of the graph was not computed');
  const made = tensorOf(tf, value.origin.tensor);
  given.set(value, made);
  return made;
};

/** What must be computed, operands first. */
const nodesBehind = (wanted: readonly Value[], given: ReadonlyMap<Value, unknown>): Node[] => {
  const found = new Set<Node>();
  const waiting = [...wanted];
  for (let value = waiting.pop(); value !== undefined; value = waiting.pop()) {
    if (value.origin.kind !== 'node' || given.has(value) || found.has(value.origin.node)) continue;
    found.add(value.origin.node);
    for (const operand of value.origin.node.inputs) if (operand !== undefined) waiting.push(operand);
  }
  return [...found].sort((a, b) => a.id - b.id);
};
