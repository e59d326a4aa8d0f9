import { Identity } from '../op/elementwise';
import type { Node, Value } from '../value';

const stopped = new WeakSet<Node>();

/** `x` itself, through which no gradient flows: to whoever differentiates, it is a constant. An Identity in the file. */
export const stopGradient = (x: Value): Value => {
  const value = Identity(x);
  if (value.origin.kind === 'node') stopped.add(value.origin.node);
  return value;
};

export const isStopped = (node: Node): boolean => stopped.has(node);
