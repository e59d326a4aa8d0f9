import { GraphError } from '../errors';
import { DTYPE_CODES, isFloat, type Dtype } from '../tensor';
import { asValue, broadcast, pair, requireDtype, requireFloat, type Operand } from '../shape';
import { node1, type Value } from '../value';

/** Element-wise operators of ONNX opset 17. Shapes broadcast; numbers become constants of the other's type. */

const binary =
  (op: string) =>
  (a: Operand, b: Operand): Value => {
    const [left, right] = pair(op, a, b);
    requireNumber(op, left);
    return node1(op, [left, right], { dtype: left.dtype, shape: broadcast(op, left.shape, right.shape) });
  };

const compare =
  (op: string) =>
  (a: Operand, b: Operand): Value => {
    const [left, right] = pair(op, a, b);
    return node1(op, [left, right], { dtype: 'bool', shape: broadcast(op, left.shape, right.shape) });
  };

const logical =
  (op: string) =>
  (a: Value, b: Value): Value => {
    for (const value of [a, b]) requireDtype(op, 'an operand', value, ['bool']);
    return node1(op, [a, b], { dtype: 'bool', shape: broadcast(op, a.shape, b.shape) });
  };

const unary =
  (op: string) =>
  (x: Value): Value => {
    requireNumber(op, x);
    return node1(op, [x], { dtype: x.dtype, shape: x.shape });
  };

const unaryFloat =
  (op: string) =>
  (x: Value): Value => {
    requireFloat(op, x);
    return node1(op, [x], { dtype: x.dtype, shape: x.shape });
  };

const requireNumber = (op: string, value: Value): void => {
  if (value.dtype === 'string' || value.dtype === 'bool')
    throw new GraphError(`${op}: cannot calculate with ${value.dtype}`);
};

export const Add = binary('Add');
export const Sub = binary('Sub');
export const Mul = binary('Mul');
export const Div = binary('Div');
export const Pow = binary('Pow');

/** onnxruntime 1.30 compares the lower halves of int64 as signed numbers: max(2^31, 0) is 0. */
const extreme =
  (op: string) =>
  (a: Operand, b: Operand): Value => {
    const value = binary(op)(a, b);
    if (value.dtype === 'int64')
      throw new GraphError(
        `${op}: onnxruntime errs on int64; Cast to float64, or compare and choose (Where)`,
      );
    return value;
  };

export const Max = extreme('Max');
export const Min = extreme('Min');

/** Remainder; C's fmod for floats (sign of the dividend), Python's % for integers (sign of the divisor). */
export const Mod = (a: Operand, b: Operand): Value => {
  const [left, right] = pair('Mod', a, b);
  requireNumber('Mod', left);
  return node1(
    'Mod',
    [left, right],
    { dtype: left.dtype, shape: broadcast('Mod', left.shape, right.shape) },
    isFloat(left.dtype) ? { fmod: { type: 'int', value: 1 } } : {},
  );
};

export const Equal = compare('Equal');
export const Less = compare('Less');
export const LessOrEqual = compare('LessOrEqual');
export const Greater = compare('Greater');
export const GreaterOrEqual = compare('GreaterOrEqual');

export const And = logical('And');
export const Or = logical('Or');
export const Xor = logical('Xor');

export const Not = (x: Value): Value => {
  requireDtype('Not', 'the operand', x, ['bool']);
  return node1('Not', [x], { dtype: 'bool', shape: x.shape });
};

export const Neg = unary('Neg');
export const Abs = unary('Abs');
export const Sign = unary('Sign');
export const Sqrt = unaryFloat('Sqrt');
export const Exp = unaryFloat('Exp');
export const Log = unaryFloat('Log');
export const Erf = unaryFloat('Erf');
export const Sin = unaryFloat('Sin');
export const Cos = unaryFloat('Cos');
export const Tanh = unaryFloat('Tanh');
export const Sigmoid = unaryFloat('Sigmoid');
export const Relu = unary('Relu');
export const Softplus = unaryFloat('Softplus');
export const Floor = unaryFloat('Floor');
export const Ceil = unaryFloat('Ceil');
export const Round = unaryFloat('Round');
export const Reciprocal = unaryFloat('Reciprocal');

export const IsNaN = (x: Value): Value => {
  requireFloat('IsNaN', x);
  return node1('IsNaN', [x], { dtype: 'bool', shape: x.shape });
};

export const Identity = (x: Value): Value => node1('Identity', [x], { dtype: x.dtype, shape: x.shape });

/** @param slope of the negative side; 0.2 is the default of tfjs, 0.01 that of ONNX: always said here */
export const LeakyRelu = (x: Value, slope: number): Value => {
  requireFloat('LeakyRelu', x);
  return node1(
    'LeakyRelu',
    [x],
    { dtype: x.dtype, shape: x.shape },
    { alpha: { type: 'float', value: slope } },
  );
};

export const Elu = (x: Value, alpha = 1): Value => {
  requireFloat('Elu', x);
  return node1('Elu', [x], { dtype: x.dtype, shape: x.shape }, { alpha: { type: 'float', value: alpha } });
};

/** max(0, min(1, slope · x + offset)) */
export const HardSigmoid = (x: Value, slope = 0.2, offset = 0.5): Value => {
  requireFloat('HardSigmoid', x);
  return node1(
    'HardSigmoid',
    [x],
    { dtype: x.dtype, shape: x.shape },
    { alpha: { type: 'float', value: slope }, beta: { type: 'float', value: offset } },
  );
};

/** x·Φ(x) with the exact error function (Hendrycks & Gimpel 2016), composed: opset 17 has no Gelu. */
export const Gelu = (x: Value): Value => Mul(Mul(x, 0.5), Add(Erf(Mul(x, Math.SQRT1_2)), 1));

/** Limits to [min, max]; leave a side out for none. */
export const Clip = (x: Value, min?: Operand, max?: Operand): Value => {
  requireNumber('Clip', x);
  const bounds = [min, max].map((bound) => (bound === undefined ? undefined : asValue(bound, x.dtype)));
  for (const bound of bounds)
    if (bound !== undefined && (bound.rank !== 0 || bound.dtype !== x.dtype))
      throw new GraphError(`Clip: bounds must be scalars of type ${x.dtype}`);
  return node1('Clip', [x, ...bounds], { dtype: x.dtype, shape: x.shape });
};

/** Elements of `whenTrue` where the condition holds, else of `whenFalse`. */
export const Where = (condition: Value, whenTrue: Operand, whenFalse: Operand): Value => {
  requireDtype('Where', 'the condition', condition, ['bool']);
  const [left, right] = pair('Where', whenTrue, whenFalse);
  return node1('Where', [condition, left, right], {
    dtype: left.dtype,
    shape: broadcast('Where', condition.shape, left.shape, right.shape),
  });
};

/**
 * Changes the element type. Strings are refused in both directions: ONNX's own parsing turns "1,234" into 1.
 */
export const Cast = (x: Value, dtype: Dtype): Value => {
  if (x.dtype === dtype) return x;
  if (x.dtype === 'string' || dtype === 'string')
    throw new GraphError(
      `Cast: from ${x.dtype} to ${dtype} is not safe; parse text before it enters the graph`,
    );
  return node1('Cast', [x], { dtype, shape: x.shape }, { to: { type: 'int', value: DTYPE_CODES[dtype] } });
};
