import { GraphError } from '../errors';
import type { Node, Value } from '../value';

/** One use of an operator, seen from its results' gradients. */
export interface Use {
  readonly node: Node;
  /** Gradient of each output; undefined where the loss does not depend on it. May broadcast (see algebra.ts). */
  readonly gradients: readonly (Value | undefined)[];
  /** Gradient of the first output. */
  readonly g: Value;
  /** First output. */
  readonly y: Value;
  /** Input by position; throws where it is left out. */
  in(index: number): Value;
  has(index: number): boolean;
  /** Whether anything asks for this input's gradient. */
  wants(index: number): boolean;
}

/** Gives a gradient per input, undefined for none. */
export type Rule = (use: Use) => readonly (Value | undefined)[];

/** For operators whose result is constant almost everywhere: nothing flows back. */
export const nothing: Rule = () => [];

export const useOf = (
  node: Node,
  gradients: readonly (Value | undefined)[],
  wanted: ReadonlySet<Value>,
): Use => {
  const input = (index: number): Value => {
    const value = node.inputs[index];
    if (value === undefined) throw new GraphError(`${node.op}: input ${index} is left out`);
    return value;
  };
  const [g] = gradients;
  const [y] = node.outputs;
  if (y === undefined) throw new GraphError(`${node.op} has no output`);
  return {
    node,
    gradients,
    get g() {
      if (g === undefined) throw new GraphError(`${node.op}: only its first result can be differentiated`);
      return g;
    },
    y,
    in: input,
    has: (index) => node.inputs[index] !== undefined,
    wants: (index) => {
      const value = node.inputs[index];
      return value !== undefined && wanted.has(value);
    },
  };
};
