/** One use of an operator of a training graph, and how it is read. */
import type * as tfjs from '@tensorflow/tfjs-core';
import { GraphError } from '../../../onnx';
import type { Node, Value } from '../../../onnx';

export type TensorFlow = typeof tfjs;
export type Tensor = tfjs.Tensor;

/** One use of an operator. */
export interface Call {
  readonly tf: TensorFlow;
  readonly node: Node;
  /** Operands in order; an input that is left out is undefined. */
  readonly x: readonly Tensor[];
}

export type Operator = (call: Call) => Tensor | readonly Tensor[];

export const number = ({ node }: Call, name: string, otherwise: number): number => {
  const attribute = node.attributes[name];
  return attribute?.type === 'int' || attribute?.type === 'float' ? attribute.value : otherwise;
};

export const ints = ({ node }: Call, name: string): readonly number[] | undefined => {
  const attribute = node.attributes[name];
  return attribute?.type === 'ints' ? attribute.value : undefined;
};

/** Sizes, axes and positions stand in the graph as constants: TensorFlow wants them as numbers. */
export const constants = ({ node }: Call, index: number): number[] => {
  const origin = node.inputs[index]?.origin;
  if (origin?.kind !== 'constant') throw new GraphError(`${node.op}: input ${index} must be a constant`);
  return Array.from(origin.tensor.data as Iterable<number | bigint>, Number);
};

export const known = ({ op }: Node, value: Value | undefined): number[] => {
  if (value?.shape.every((dim) => typeof dim === 'number') !== true)
    throw new GraphError(`${op}: the tensorflow engine needs known dimensions`);
  return value.shape.map(Number);
};

export const pick = (values: readonly Tensor[], index: number): Tensor => {
  const value = values[index];
  if (value === undefined) throw new GraphError(`operand ${index} is missing`);
  return value;
};

export const first = ({ x }: Call): Tensor => pick(x, 0);
export const second = ({ x }: Call): Tensor => pick(x, 1);
export const third = ({ x }: Call): Tensor => pick(x, 2);
