import { GraphError } from '../errors';
import { sameShape, showShape, type Dim, type Shape } from '../tensor';
import { bodyInput, constant, inBranch, node, scalar, Scope, type OutputType, type Value } from '../value';
import { dimAt, requireDtype } from '../shape';
import { tensor } from '../tensor';
import { Identity } from './elementwise';

/** Loops and branches. Bodies may use any outer value; what does not depend on the body is computed before it. */

export interface LoopStep {
  /** The state after the step, same types and shapes as before. */
  readonly state: readonly Value[];
  /** One value per step of each, stacked along a new first axis. */
  readonly collect?: readonly Value[];
}

export interface LoopResult {
  readonly state: readonly Value[];
  readonly collected: readonly Value[];
}

export interface LoopOptions {
  /** Number of steps, an int64 scalar. */
  readonly steps: Value;
  readonly state: readonly Value[];
  /** Length of the collected axis, a name when it is known only at run time. */
  readonly length: Dim;
  /** @param step int64 scalar from 0 */
  readonly body: (step: Value, state: readonly Value[]) => LoopStep;
}

export const Loop = ({ steps, state, length, body }: LoopOptions): LoopResult => {
  requireDtype('Loop', 'steps', steps, ['int64']);
  const scope = new Scope('Loop body');
  const step = bodyInput(scope, 'step', 'int64', []);
  const proceed = bodyInput(scope, 'proceed', 'bool', []);
  const before = state.map((value) => bodyInput(scope, 'state', value.dtype, value.shape));
  const result = body(step, before);
  const collect = result.collect ?? [];
  checkState('Loop', state, result.state);
  const outputs = node(
    'Loop',
    [steps, undefined, ...state],
    [...state.map(typeOf), ...collect.map((value) => stacked(value, length))],
    {
      body: {
        type: 'body',
        value: {
          scope,
          inputs: [step, proceed, ...before],
          outputs: [Identity(proceed), ...result.state, ...collect],
        },
      },
    },
  );
  return { state: outputs.slice(0, state.length), collected: outputs.slice(state.length) };
};

export interface ScanOptions {
  readonly state: readonly Value[];
  /** Values that are read slice by slice along their first axis, all of one length; slices are not copied. */
  readonly sequences: readonly Value[];
  /**
   * @param also adds a sequence whose shape becomes known only while the body is built, and returns its slice
   */
  readonly body: (
    state: readonly Value[],
    slices: readonly Value[],
    also: (sequence: Value) => Value,
  ) => LoopStep;
}

export const Scan = ({ state, sequences, body }: ScanOptions): LoopResult => {
  const [first] = sequences;
  if (first === undefined) throw new GraphError('Scan: needs at least one sequence');
  const length = dimAt('Scan', first.shape, 0);
  const scope = new Scope('Scan body');
  const before = state.map((value) => bodyInput(scope, 'state', value.dtype, value.shape));
  const all: Value[] = [];
  const slices: Value[] = [];
  const also = (sequence: Value): Value => {
    if (dimAt('Scan', sequence.shape, 0) !== length)
      throw new GraphError(
        `Scan: sequences ${showShape(first.shape)} and ${showShape(sequence.shape)} differ in length`,
      );
    const slice = bodyInput(scope, 'slice', sequence.dtype, sequence.shape.slice(1));
    all.push(sequence);
    slices.push(slice);
    return slice;
  };
  const result = body(before, sequences.map(also), also);
  const collect = result.collect ?? [];
  checkState('Scan', state, result.state);
  const outputs = node(
    'Scan',
    [...state, ...all],
    [...state.map(typeOf), ...collect.map((value) => stacked(value, length))],
    {
      body: {
        type: 'body',
        value: { scope, inputs: [...before, ...slices], outputs: [...result.state, ...collect] },
      },
      num_scan_inputs: { type: 'int', value: all.length },
    },
  );
  return { state: outputs.slice(0, state.length), collected: outputs.slice(state.length) };
};

/** Computes one of two branches; both return values of the same types and ranks. */
export const If = (
  condition: Value,
  then: () => readonly Value[],
  otherwise: () => readonly Value[],
): Value[] => {
  requireDtype('If', 'the condition', condition, ['bool']);
  const branch = (what: string, build: () => readonly Value[]) => {
    const scope = new Scope(what);
    return { scope, inputs: [], outputs: inBranch(scope, build) };
  };
  const [whenTrue, whenFalse] = [branch('then branch', then), branch('else branch', otherwise)];
  if (whenTrue.outputs.length !== whenFalse.outputs.length)
    throw new GraphError(
      `If: branches return ${whenTrue.outputs.length} and ${whenFalse.outputs.length} values`,
    );
  const types = whenTrue.outputs.map((value, index): OutputType => {
    const other = whenFalse.outputs[index];
    if (other === undefined || other.dtype !== value.dtype || !sameShape(other.shape, value.shape))
      throw new GraphError(`If: result ${index} differs between the branches in type or shape`);
    return typeOf(value);
  });
  return node('If', [condition], types, {
    then_branch: { type: 'body', value: whenTrue },
    else_branch: { type: 'body', value: whenFalse },
  });
};

export const scalarBool = (value: boolean): Value => constant(tensor('bool', [value ? 1 : 0], []));
export const scalarInt64 = (value: number): Value => scalar(value, 'int64');

const typeOf = ({ dtype, shape }: Value): OutputType => ({ dtype, shape });
const stacked = ({ dtype, shape }: Value, length: Dim): OutputType => ({
  dtype,
  shape: [length, ...shape] as Shape,
});

const checkState = (op: string, before: readonly Value[], after: readonly Value[]): void => {
  if (before.length !== after.length)
    throw new GraphError(`${op}: the body returns ${after.length} states, the loop carries ${before.length}`);
  before.forEach((value, index) => {
    const next = after[index];
    if (next === undefined || next.dtype !== value.dtype || !sameShape(next.shape, value.shape))
      throw new GraphError(
        `${op}: state ${index} enters as ${value.dtype} ${showShape(value.shape)} and leaves as ${next?.dtype} ${showShape(next?.shape ?? [])}`,
      );
  });
};
