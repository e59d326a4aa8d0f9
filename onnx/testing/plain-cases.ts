import * as op from '../op';
import { tensor } from '../tensor';
import { constant, int64s, scalar, vector, type Value } from '../value';

/** Operators that have no gradient or a trivial one, with constant operands; `CASES` holds the others. */

const need = <T>(value: T | undefined): T => {
  if (value === undefined) throw new Error('missing');
  return value;
};

const [a, b] = [vector([1, 2, 3.5]), vector([3, 2, 1])];
const flags = constant(tensor('bool', [1, 0, 1]));
const other = constant(tensor('bool', [1, 1, 0]));
const table = constant(tensor('float32', [1, 2, 3, 4, 5, 6], [2, 3]));
const colors = constant(tensor('string', ['blue', 'red', 'green']));
const weights = (...dims: number[]): Value =>
  constant(
    tensor(
      'float32',
      Float32Array.from({ length: dims.reduce((x, y) => x * y) }, (_, at) => Math.sin(at + 1)),
      dims,
    ),
  );
/** Six steps, two rows, three signals, four hidden units. */
const series = (gates: number, directions: number) => ({
  x: weights(6, 2, 3),
  W: weights(directions, gates * 4, 3),
  R: weights(directions, gates * 4, 4),
  B: weights(directions, 2 * gates * 4),
  lengths: constant(tensor('int32', [6, 4])),
  initialHidden: weights(directions, 2, 4),
});

export const PLAIN_CASES: Readonly<Record<string, () => readonly Value[]>> = {
  TreeEnsembleRegressor: () => [
    op.TreeEnsembleRegressor(
      table,
      {
        tree: [0, 0, 0, 1, 1, 1],
        feature: [0, 0, 0, 2, 0, 0],
        threshold: [2.5, 0, 0, 6, 0, 0],
        yes: [1, -1, -1, 4, -1, -1],
        no: [2, -1, -1, 5, -1, -1],
        missingYes: [1, 0, 0, 0, 0, 0],
        equal: [0, 0, 0, 1, 0, 0],
        value: [0, 1, 2, 0, 10, 20],
        output: [0, 0, 1, 0, 1, 0],
      },
      2,
    ),
  ],
  LowerCase: () => [op.LowerCase(constant(tensor('string', ['One TWO', 'Nº 3'])))],
  Tokenizer: () => [op.Tokenizer(constant(tensor('string', ['one two', 'three'])), 'words', '[a-z]+')],
  NGramCounts: () => [
    op.NGramCounts(constant(tensor('string', ['a', 'b', 'a', 'c', 'c', ''], [2, 3])), [
      ['a'],
      ['c'],
      ['a', 'b'],
    ]),
  ],
  Equal: () => [op.Equal(a, b)],
  Less: () => [op.Less(a, b)],
  LessOrEqual: () => [op.LessOrEqual(a, b)],
  Greater: () => [op.Greater(a, b)],
  GreaterOrEqual: () => [op.GreaterOrEqual(a, b)],
  And: () => [op.And(flags, other)],
  Or: () => [op.Or(flags, other)],
  Xor: () => [op.Xor(flags, other)],
  Not: () => [op.Not(flags)],
  IsNaN: () => [op.IsNaN(op.Sqrt(vector([1, -1])))],
  Sign: () => [op.Sign(vector([-2, 0, 3]))],
  Floor: () => [op.Floor(a)],
  Ceil: () => [op.Ceil(a)],
  Round: () => [op.Round(a)],
  ArgMax: () => [op.ArgMax(table), op.ArgMax(table, 0, true)],
  OneHot: () => [op.OneHot(int64s([0, 2]), 3)],
  ShapeOf: () => [op.ShapeOf(table)],
  ExpandLike: () => [op.ExpandLike(scalar(2), table)],
  FillLike: () => [op.FillLike(table, 7)],
  MaxPoolWithIndices: () => [...op.MaxPoolWithIndices(weights(1, 2, 4, 4), [2, 2])],
  GRU: () => [
    ...Object.values(op.GRU(series(3, 1))),
    ...Object.values(op.GRU({ ...series(3, 2), direction: 'bidirectional' })),
  ],
  LSTM: () => [
    ...Object.values(op.LSTM({ ...series(4, 1), direction: 'reverse', initialCell: weights(1, 2, 4) })),
  ],
  Loop: () => {
    const looped = op.Loop({
      steps: scalar(3, 'int64'),
      state: [a],
      length: 3,
      body: (step, [now]) => ({
        state: [op.Add(need(now), op.Cast(step, 'float32'))],
        collect: [op.ReduceSum(need(now))],
      }),
    });
    return [...looped.state, ...looped.collected];
  },
  Scan: () => {
    const scanned = op.Scan({
      state: [b],
      sequences: [table],
      body: ([sum], [row]) => ({ state: [op.Add(need(sum), need(row))], collect: [op.Exp(need(row))] }),
    });
    return [...scanned.state, ...scanned.collected];
  },
  If: () =>
    op.If(
      op.Less(op.ReduceSum(a), 5),
      () => [op.Exp(a)],
      () => [op.Mul(a, 2)],
    ),
  StringToInt: () => [op.StringToInt(colors, ['red', 'blue'], [4, 5], -1)],
  StringToFloat: () => [op.StringToFloat(colors, ['red'], [0.25], 0.5)],
  StringToString: () => [op.StringToString(colors, ['red'], ['rot'], '?')],
  IntToString: () => [op.IntToString(int64s([1, 0, 9]), [0, 1], ['no', 'yes'], '?')],
  OneHotStrings: () => [op.OneHotStrings(colors, ['red', 'blue'])],
  ArrayFeatureExtractor: () => [op.ArrayFeatureExtractor(table, int64s([2, 0]))],
};
