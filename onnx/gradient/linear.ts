import * as op from '../op';
import { dimAt, product } from '../shape';
import { node1, type Value } from '../value';
import { constantInts, fullSize, intsOf, numberAttribute, over, sumTo, times, zerosLike } from './algebra';
import { nothing, type Rule, type Use } from './rule';

const turned = (x: Value): Value =>
  op.Transpose(x, [...x.shape.slice(2).map((_, axis) => axis), x.rank - 1, x.rank - 2]);

/** [..., m, k] as one table [... * m, k]. */
const asTable = (x: Value): Value =>
  x.rank === 2 ? x : op.Reshape(x, [product(x.shape.slice(0, -1)), dimAt('MatMul', x.shape, -1)]);

const matMul: Rule = (use) => {
  const [a, b, g] = [use.in(0), use.in(1), fullSize(use.g, use.y)];
  const flat = b.rank === 2;
  return [
    use.wants(0)
      ? a.rank === 2 && flat
        ? op.Gemm(g, b, undefined, { transB: true })
        : sumBatch(op.MatMul(g, turned(b)), a)
      : undefined,
    use.wants(1)
      ? flat
        ? op.Gemm(asTable(a), asTable(g), undefined, { transA: true })
        : sumBatch(op.MatMul(turned(a), g), b)
      : undefined,
  ];
};

/** Sums a full-size gradient over the batch axes along which the operand was broadcast. */
const sumBatch = (gradient: Value, operand: Value): Value => sumTo(gradient, gradient, operand);

const gemm: Rule = (use) => {
  const [a, b, g] = [use.in(0), use.in(1), fullSize(use.g, use.y)];
  const transA = numberAttribute(use.node, 'transA', 0) === 1;
  const transB = numberAttribute(use.node, 'transB', 0) === 1;
  const alpha = numberAttribute(use.node, 'alpha', 1);
  return [
    use.wants(0)
      ? transA
        ? op.Gemm(b, g, undefined, { transA: transB, transB: true, alpha })
        : op.Gemm(g, b, undefined, { transB: !transB, alpha })
      : undefined,
    use.wants(1)
      ? transB
        ? op.Gemm(g, a, undefined, { transA: true, transB: transA, alpha })
        : op.Gemm(a, g, undefined, { transA: !transA, alpha })
      : undefined,
    use.wants(2) ? sumTo(times(g, numberAttribute(use.node, 'beta', 1)), use.y, use.in(2)) : undefined,
  ];
};

const softmax: Rule = ({ node, g, y }) => {
  const axes = [numberAttribute(node, 'axis', -1)];
  const weighted = times(y, g);
  return [op.Mul(y, op.Sub(g, op.ReduceSum(weighted, { axes, keepDims: true })))];
};

const logSoftmax: Rule = ({ node, g, y }) => {
  const full = fullSize(g, y);
  const axes = [numberAttribute(node, 'axis', -1)];
  return [op.Sub(full, op.Mul(op.Exp(y), op.ReduceSum(full, { axes, keepDims: true })))];
};

/** Ba et al. 2016, section 3; mean and inverse deviation are the operator's own further results. */
const layerNormalization: Rule = (use) => {
  const [x, scale] = [use.in(0), use.in(1)];
  const [, mean, inverse] = use.node.outputs;
  if (mean === undefined || inverse === undefined) return [];
  const g = fullSize(use.g, use.y);
  const normal = op.Mul(op.Sub(x, mean), inverse);
  const from = numberAttribute(use.node, 'axis', -1);
  const average = (value: Value): Value =>
    op.ReduceMean(value, {
      axes: x.shape.flatMap((_, axis) => (axis >= from ? [axis] : [])),
      keepDims: true,
    });
  const scaled = op.Mul(g, scale);
  return [
    use.wants(0)
      ? op.Mul(
          op.Sub(op.Sub(scaled, average(scaled)), op.Mul(normal, average(op.Mul(scaled, normal)))),
          inverse,
        )
      : undefined,
    use.wants(1) ? sumTo(op.Mul(g, normal), use.y, scale) : undefined,
    use.wants(2) ? sumTo(g, use.y, use.in(2)) : undefined,
  ];
};

/** All five inputs are differentiated, the statistics too: they may depend on parameters. */
const batchNormalization: Rule = (use) => {
  const [x, scale, mean, variance] = [use.in(0), use.in(1), use.in(3), use.in(4)];
  const g = fullSize(use.g, use.y);
  const axes = x.shape.flatMap((_, axis) => (axis === 1 ? [] : [axis]));
  const column = (vector: Value): Value =>
    x.rank === 2
      ? vector
      : op.Unsqueeze(
          vector,
          x.shape.slice(2).map((_, axis) => axis + 1),
        );
  const total = (value: Value): Value => op.ReduceSum(value, { axes });
  const epsilon = numberAttribute(use.node, 'epsilon', 1e-5);
  const inverse = op.Reciprocal(op.Sqrt(op.Add(variance, epsilon)));
  const slope = op.Mul(scale, inverse);
  const normal = (): Value => op.Mul(op.Sub(x, column(mean)), column(inverse));
  return [
    use.wants(0) ? op.Mul(g, column(slope)) : undefined,
    use.wants(1) ? total(op.Mul(g, normal())) : undefined,
    use.wants(2) ? total(g) : undefined,
    use.wants(3) ? op.Neg(op.Mul(total(g), slope)) : undefined,
    use.wants(4) ? times(op.Mul(total(op.Mul(g, normal())), op.Mul(slope, inverse)), -0.5) : undefined,
  ];
};

/** Puts reduced axes back with length one, so that a gradient broadcasts to the operand again. */
const restored = (use: Use, value: Value, axes: readonly number[]): Value => {
  if (value.rank === 0 || numberAttribute(use.node, 'keepdims', 1) === 1) return value;
  return op.Unsqueeze(fullSize(value, use.y), axes);
};

const count = (x: Value, y: Value): Value | number => {
  const [all, kept] = [product(x.shape), product(y.shape)];
  if (typeof all === 'number' && typeof kept === 'number') return all / kept;
  const size = (value: Value): Value =>
    op.Cast(node1('Size', [value], { dtype: 'int64', shape: [] }), x.dtype);
  return op.Div(size(x), size(y));
};

const extreme: Rule = (use) => {
  const axes = intsOf(use.node, 'axes');
  const x = use.in(0);
  return [times(op.Cast(op.Equal(x, restored(use, use.y, axes)), x.dtype), restored(use, use.g, axes))];
};

export const linearRules: Record<string, Rule> = {
  MatMul: matMul,
  Gemm: gemm,
  Softmax: softmax,
  LogSoftmax: logSoftmax,
  LayerNormalization: layerNormalization,
  BatchNormalization: batchNormalization,
  ReduceSum: (use) => [restored(use, use.g, constantInts(use.node, 1))],
  ReduceMean: (use) => [over(restored(use, use.g, intsOf(use.node, 'axes')), count(use.in(0), use.y))],
  ReduceMax: extreme,
  ReduceMin: extreme,
  ArgMax: nothing,
  TopK: (use) => {
    const [, indices] = use.node.outputs;
    if (indices === undefined) return [];
    const axis = numberAttribute(use.node, 'axis', -1);
    return [op.ScatterElements(zerosLike(use.in(0)), indices, fullSize(use.g, use.y), axis)];
  },
};
