import { GraphError } from '../errors';
import { isFloat, sameShape, showShape } from '../tensor';
import { nodesBehind, scalar, type Node, type Value } from '../value';
import { fullSize, plus, zerosLike } from './algebra';
import { convolutionRules } from './convolution';
import { elementwiseRules } from './elementwise';
import { layoutRules } from './layout';
import { linearRules } from './linear';
import { useOf, type Rule } from './rule';
import { isStopped } from './stop';

const RULES: ReadonlyMap<string, Rule> = new Map(
  Object.entries({ ...elementwiseRules, ...linearRules, ...layoutRules, ...convolutionRules }),
);

/** Operators that `gradients` can differentiate. */
export const differentiableOps = (): string[] => [...RULES.keys()].sort();

/**
 * Reverse-mode derivatives of a scalar: one graph of ordinary operators per parameter, with the parameter's shape.
 * Everything between parameters and loss is differentiated by the rule of its operator; parameters may be inputs of
 * the model, of a body, or any computed value. A parameter that the loss does not depend on gets zeros.
 * @throws GraphError when the loss is not a float scalar, or an operator on the way has no rule (Loop, GRU, ...)
 */
export const gradients = (loss: Value, parameters: readonly Value[]): Value[] => {
  if (loss.rank !== 0 || !isFloat(loss.dtype))
    throw new GraphError(`gradients: the loss must be one float, got ${loss.dtype} ${showShape(loss.shape)}`);
  const { nodes, onTheWay } = pathNodes(loss, parameters);
  const found = new Map<Value, Value>([[loss, scalar(1, loss.dtype)]]);
  for (const node of nodes) {
    const received = node.outputs.map((output) => found.get(output));
    if (received.every((gradient) => gradient === undefined)) continue;
    const rule = node.domain === '' ? RULES.get(node.op) : undefined;
    if (rule === undefined)
      throw new GraphError(
        `gradients: operator ${node.op} has no gradient rule; one of: ${differentiableOps().join(', ')}`,
      );
    rule(useOf(node, received, onTheWay)).forEach((gradient, index) => {
      const operand = node.inputs[index];
      if (operand === undefined || gradient === undefined || !onTheWay.has(operand)) return;
      const before = found.get(operand);
      found.set(operand, before === undefined ? gradient : plus(before, gradient));
    });
  }
  return parameters.map((parameter) => {
    const gradient = found.get(parameter);
    if (gradient === undefined) return zerosLike(parameter);
    const full = fullSize(gradient, parameter);
    if (!sameShape(full.shape, parameter.shape))
      throw new GraphError(
        `gradients: a gradient of shape ${showShape(full.shape)} does not fit ${showShape(parameter.shape)}`,
      );
    return full;
  });
};

/** Nodes between the parameters and the loss, last first, and all values on these paths. */
const pathNodes = (loss: Value, parameters: readonly Value[]) => {
  const onTheWay = new Set<Value>(parameters);
  const ascending = [...nodesBehind([loss])].sort((a, b) => a.id - b.id);
  const nodes = ascending.filter((node) => {
    const depends = !isStopped(node) && dependsOn(node, onTheWay);
    if (depends) for (const output of node.outputs) onTheWay.add(output);
    return depends;
  });
  return { nodes: nodes.reverse(), onTheWay };
};

const dependsOn = (node: Node, values: ReadonlySet<Value>): boolean =>
  node.inputs.some((input) => input !== undefined && values.has(input)) ||
  Object.values(node.attributes).some(
    (attribute) =>
      attribute.type === 'body' && attribute.value.outputs.some((output) => captures(output, values)),
  );

/** Whether a value inside a body uses one of the outer values. */
const captures = (output: Value, values: ReadonlySet<Value>): boolean => {
  const seen = new Set<Value>();
  const waiting = [output];
  for (let value = waiting.pop(); value !== undefined; value = waiting.pop()) {
    if (seen.has(value)) continue;
    seen.add(value);
    if (values.has(value)) return true;
    if (value.origin.kind === 'node')
      for (const input of value.origin.node.inputs) if (input !== undefined) waiting.push(input);
  }
  return false;
};
