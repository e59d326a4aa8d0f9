import { constantInts, intsOf, numberAttribute } from '../gradient/algebra';
import * as op from '../op';
import { countOf } from '../tensor';
import { nodesBehind, type Node, type Value } from '../value';
import { known } from './known';

const OPERAND = 'an operand of a report';

/** An operator once more, on operands that have one axis more in front; `node` is the one of a single step. */
type Rebuild = (operands: readonly Value[], node: Node) => Value;

const binary =
  (operator: (a: Value, b: Value) => Value): Rebuild =>
  ([a, b]) =>
    operator(known(a, OPERAND), known(b, OPERAND));

const reduction =
  (
    operator: (x: Value, options: op.ReduceOptions) => Value,
    axesOf: (node: Node) => readonly number[],
  ): Rebuild =>
  ([x], node) =>
    operator(known(x, OPERAND), {
      axes: axesOf(node).map((axis) => axis + 1),
      keepDims: numberAttribute(node, 'keepdims', 1) === 1,
    });

/** What losses and their means end in. */
const REBUILDS: Readonly<Record<string, Rebuild>> = {
  Add: binary(op.Add),
  Sub: binary(op.Sub),
  Mul: binary(op.Mul),
  Div: binary(op.Div),
  Neg: ([x]) => op.Neg(known(x, OPERAND)),
  ReduceMean: reduction(op.ReduceMean, (node) => intsOf(node, 'axes')),
  ReduceSum: reduction(op.ReduceSum, (node) => constantInts(node, 1)),
};

/** Numbers of one step that are handed out in place of a report: beyond, copying costs more than computing. */
const MOST_NUMBERS = 1024;
/** Sums run from the first aligned address on: only blocks of whole lines of memory sum to the same bits wherever they lie. */
const LINE = 16;

/**
 * What only reports need is not computed step by step: the loop hands out values that a step has for its update anyhow,
 * and the rest is computed from them for all steps at once.
 * @param reports values of the loop's body
 * @param state what the body computes for the next step
 * @returns `collect`: what the body hands out; `after`: the reports, stacked, from what was collected, stacked
 */
export const afterLoop = (
  reports: readonly Value[],
  state: readonly Value[],
): { collect: Value[]; after: (stacked: readonly Value[]) => Value[] } => {
  const stays = nodesBehind(state);
  const collect: Value[] = [];
  const later = (value: Value): ((stacked: readonly Value[]) => Value) => {
    if (value.origin.kind === 'constant') return () => value;
    const moved = movable(value, stays);
    if (moved !== undefined) {
      const operands = moved.node.inputs
        .slice(0, moved.operands)
        .map((operand) => later(known(operand, OPERAND)));
      return (stacked) =>
        moved.rebuild(
          operands.map((operand) => operand(stacked)),
          moved.node,
        );
    }
    const at = collect.includes(value) ? collect.indexOf(value) : collect.push(value) - 1;
    return (stacked) => known(stacked[at], 'a collected value');
  };
  const made = reports.map(later);
  return { collect, after: (stacked) => made.map((report) => report(stacked)) };
};

const movable = (value: Value, stays: ReadonlySet<Node>) => {
  if (value.origin.kind !== 'node' || stays.has(value.origin.node)) return undefined;
  const { node } = value.origin;
  const rebuild = REBUILDS[node.op];
  if (rebuild === undefined) return undefined;
  const reduces = node.op.startsWith('Reduce');
  const operands = reduces ? 1 : node.inputs.length;
  const fits = node.inputs.slice(0, operands).every((operand) => {
    if (operand === undefined) return false;
    // Of another rank it would no longer broadcast with the steps in front.
    if (operand.origin.kind === 'constant') return operand.rank <= value.rank;
    const count = countOf(operand.shape.map(Number));
    return (
      operand.origin.kind === 'node' &&
      count <= MOST_NUMBERS &&
      (reduces ? count % LINE === 0 : operand.rank === value.rank)
    );
  });
  return fits ? { node, rebuild, operands } : undefined;
};
