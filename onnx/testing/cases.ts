import * as op from '../op';
import { tensor } from '../tensor';
import { constant, int64s, scalar, vector, type Value } from '../value';

export interface Case {
  readonly name: string;
  readonly shapes: readonly (readonly number[])[];
  readonly build: (...x: Value[]) => Value;
  /** Range of the random inputs; default [-1, 1]. */
  readonly range?: readonly [number, number];
}

const c = (
  name: string,
  shapes: readonly (readonly number[])[],
  build: Case['build'],
  range?: Case['range'],
): Case => ({
  name,
  shapes,
  build,
  range,
});

const need = <T>(value: T | undefined): T => {
  if (value === undefined) throw new Error('missing');
  return value;
};

const M = [3, 4];
/** Differentiable operators, named by the function of `op` first, with small inputs of every form they have. */
export const CASES: readonly Case[] = [
  c('Add broadcast', [M, [4]], op.Add),
  c(
    'Add broadcast both ways',
    [
      [3, 1],
      [1, 4],
    ],
    op.Add,
  ),
  c('Sub broadcast', [[4], M], op.Sub),
  c('Mul', [M, M], op.Mul),
  c('Mul broadcast', [M, [3, 1]], op.Mul),
  c('Mul by itself', [M], (x) => op.Mul(x, x)),
  c('Div broadcast', [M, [4]], op.Div, [0.5, 2]),
  c('Pow constant', [M], (x) => op.Pow(x, 3)),
  c('Pow square', [M], (x) => op.Pow(x, 2)),
  c('Pow both', [M, [4]], op.Pow, [0.5, 2]),
  c('Max', [M, [4]], op.Max),
  c('Min', [M, [4]], op.Min),
  c('Mod', [[6]], (x) => op.Mod(x, 0.7), [0.1, 0.6]),
  c('Where', [M, [4]], (a, b) => op.Where(constant(tensor('bool', [1, 0, 1, 0])), a, b)),
  c('Neg', [M], op.Neg),
  c('Abs', [M], op.Abs),
  c('Sqrt', [M], op.Sqrt, [0.5, 2]),
  c('Exp', [M], op.Exp),
  c('Log', [M], op.Log, [0.5, 2]),
  c('Erf', [M], op.Erf),
  c('Sin', [M], op.Sin),
  c('Cos', [M], op.Cos),
  c('Tanh', [M], op.Tanh),
  c('Sigmoid', [M], op.Sigmoid),
  c('Relu', [M], op.Relu),
  c('LeakyRelu', [M], (x) => op.LeakyRelu(x, 0.2)),
  c('Elu', [M], (x) => op.Elu(x, 1.3)),
  c('Gelu', [M], op.Gelu),
  c('Softplus', [M], op.Softplus),
  c('Reciprocal', [M], op.Reciprocal, [0.5, 2]),
  c('HardSigmoid', [M], (x) => op.HardSigmoid(x, 0.4, 0.5), [-2.4, 2.4]),
  c('Identity', [M], op.Identity),
  c('Cast', [M], (x) => op.Cast(op.Cast(x, 'float64'), 'float32')),
  c('Clip', [M], (x) => op.Clip(x, -0.5, 0.5)),
  c('Clip one side', [M], (x) => op.Clip(x, undefined, 0.25)),
  c(
    'MatMul',
    [
      [3, 4],
      [4, 2],
    ],
    op.MatMul,
  ),
  c(
    'MatMul batched',
    [
      [2, 3, 4],
      [2, 4, 2],
    ],
    op.MatMul,
  ),
  c(
    'MatMul batch with matrix',
    [
      [2, 3, 4],
      [4, 2],
    ],
    op.MatMul,
  ),
  c(
    'MatMul matrix with batch',
    [
      [3, 4],
      [2, 4, 2],
    ],
    op.MatMul,
  ),
  c(
    'MatMul broadcast batches',
    [
      [2, 1, 3, 4],
      [1, 3, 4, 2],
    ],
    op.MatMul,
  ),
  ...[false, true].flatMap((transA) =>
    [false, true].map((transB) =>
      c(
        `Gemm transA=${transA} transB=${transB}`,
        [transA ? [4, 3] : [3, 4], transB ? [2, 4] : [4, 2], [2]],
        (a, b, bias) => op.Gemm(a, b, bias, { transA, transB, alpha: 0.7, beta: 1.5 }),
      ),
    ),
  ),
  c('Softmax', [M], (x) => op.Softmax(x)),
  c('Softmax axis 0', [M], (x) => op.Softmax(x, 0)),
  c('LogSoftmax', [M], (x) => op.LogSoftmax(x)),
  c('LayerNormalization', [M, [4], [4]], (x, s, b) => op.LayerNormalization(x, s, b)),
  c(
    'LayerNormalization two axes',
    [
      [2, 3, 2],
      [3, 2],
      [3, 2],
    ],
    (x, s, b) => op.LayerNormalization(x, s, b, 1),
  ),
  c('ReduceSum', [M], (x) => op.ReduceSum(x, { axes: [1] })),
  c('ReduceSum all', [M], (x) => op.ReduceSum(x)),
  c('ReduceMean keepDims', [[2, 3, 2]], (x) => op.ReduceMean(x, { axes: [0, 2], keepDims: true })),
  c('ReduceMax', [M], (x) => op.ReduceMax(x, { axes: [1] })),
  c('ReduceMin', [M], (x) => op.ReduceMin(x, { axes: [0], keepDims: true })),
  c('mean of a product of sums', [M], (x) => op.ReduceMean(op.Mul(op.ReduceSum(x, { axes: [0] }), 3))),
  c('Reshape', [M], (x) => op.Mul(op.Reshape(x, [2, 6]), vector([1, 2, 3, 4, 5, 6]))),
  c('Flatten', [[2, 3, 2]], (x) => op.Flatten(x)),
  c('Unsqueeze Squeeze', [M], (x) => op.Squeeze(op.Exp(op.Unsqueeze(x, [0, 2])), [0])),
  c('Transpose', [[2, 3, 2]], (x) => op.Transpose(x, [2, 0, 1])),
  c('Expand', [[3, 1]], (x) => op.Expand(x, [2, 3, 4])),
  c('Concat', [M, [3, 2]], (a, b) => op.Concat([a, b, a], 1)),
  c('Split', [[2, 6]], (x) => {
    const [a, , b] = op.Split(x, [2, 2, 2], 1);
    return op.Mul(need(a), need(b));
  }),
  c('Slice', [M], (x) => op.Slice(x, [{ axis: 1, start: 1, end: -1 }])),
  c('Slice with steps', [[5, 4]], (x) =>
    op.Slice(x, [
      { axis: 0, start: 0, end: 5, step: 2 },
      { axis: 1, start: -1, end: -5, step: -1 },
    ]),
  ),
  c('Pad', [M], (x) => op.Pad(x, [1, 0], [0, 2])),
  c('Gather rows', [[5, 2]], (x) => op.Gather(x, int64s([0, 3, 3, -1]))),
  c(
    'Gather rows of a large table',
    [[9000, 1]],
    (x) => op.Gather(x, int64s([0, 3, 3, 4, 8999, 2, 1, 5])),
    [0, 1],
  ),
  c('Gather columns', [[2, 5]], (x) => op.Gather(x, constant(tensor('int64', [0, 4, 4, 1], [2, 2])), 1)),
  c('Gather one', [[5, 2]], (x) => op.Gather(x, scalar(2, 'int64'))),
  c('GatherElements', [M], (x) =>
    op.GatherElements(x, constant(tensor('int64', [0, 0, 3, 1, 2, 2], [3, 2])), 1),
  ),
  c('ScatterElements', [M, [3, 1]], (x, u) =>
    op.ScatterElements(x, constant(tensor('int64', [0, 2, 3], [3, 1])), u, 1),
  ),
  c('ScatterElements add', [M, [3, 2]], (x, u) =>
    op.ScatterElements(x, constant(tensor('int64', [0, 0, 3, 1, 2, 2], [3, 2])), u, 1, 'add'),
  ),
  c('Conv', [[2, 2, 5, 6], [3, 2, 3, 2], [3]], (x, w, b) => op.Conv(x, w, b)),
  c(
    'Conv padded',
    [
      [2, 2, 4, 4],
      [3, 2, 3, 3],
    ],
    (x, w) => op.Conv(x, w, undefined, { pads: 'same' }),
  ),
  c(
    'Conv wide padding',
    [
      [1, 1, 4, 4],
      [2, 1, 2, 2],
    ],
    (x, w) => op.Conv(x, w, undefined, { pads: [2, 2, 2, 2] }),
  ),
  c(
    'Conv strided',
    [
      [2, 2, 6, 7],
      [2, 2, 3, 3],
    ],
    (x, w) => op.Conv(x, w, undefined, { strides: [2, 3], pads: [1, 1, 1, 1] }),
  ),
  c(
    'Conv dilated',
    [
      [1, 2, 7, 7],
      [2, 2, 3, 3],
    ],
    (x, w) => op.Conv(x, w, undefined, { dilations: [2, 2], pads: 'same' }),
  ),
  c('Conv 1-D', [[2, 3, 8], [4, 3, 3], [4]], (x, w, b) => op.Conv(x, w, b, { pads: 'same' })),
  c(
    'Conv 1-D strided',
    [
      [2, 3, 9],
      [4, 3, 2],
    ],
    (x, w) => op.Conv(x, w, undefined, { strides: [2] }),
  ),
  c('MaxPool', [[2, 2, 4, 5]], (x) => op.MaxPool(x, [2, 2])),
  c('MaxPool overlapping', [[1, 2, 5, 5]], (x) => op.MaxPool(x, [3, 3], { strides: [1, 2], pads: 'same' })),
  c('MaxPool 1-D', [[2, 2, 6]], (x) => op.MaxPool(x, [2])),
  c('AveragePool', [[2, 2, 4, 6]], (x) => op.AveragePool(x, [2, 3])),
  c('AveragePool overlapping', [[1, 2, 5, 5]], (x) =>
    op.AveragePool(x, [3, 3], { strides: [2, 2], pads: 'same' }),
  ),
  c('GlobalAveragePool', [[2, 3, 4, 5]], op.GlobalAveragePool),
  ...[
    [4, 3],
    [3, 3, 4],
    [2, 3, 2, 2],
  ].map((dims) =>
    c(
      `BatchNormalization ${dims.length}-D`,
      [dims, [3], [3], [3], [3]],
      (x, scale, shift, mean, variance) => op.BatchNormalization(x, { scale, shift, mean, variance }, 1e-3),
      [0.5, 2],
    ),
  ),
  c('TopK', [M], (x) => op.TopK(x, 2).values),
  c('TopK axis 0', [M], (x) => op.TopK(x, 2, 0).values),
  c('AveragePool 1-D', [[1, 2, 7]], (x) => op.AveragePool(x, [2])),
];
