import { op, scalar, vector } from '../../onnx';
import type { Value } from '../../onnx';
import type { TextFit, TokenFit } from './text';
import { onGrid } from './text';
import { tokenTable } from './tokens';

/** More of one n-gram count as so many. */
const MOST_COUNTED = 255;
/** 1 + ln count, on the grid of the weights; 0 where nothing is. */
const SUBLINEAR = Array.from({ length: MOST_COUNTED + 1 }, (_, count) =>
  count === 0 ? 0 : onGrid(1 + Math.log(count)),
);

/**
 * string [rows] -> float32 [rows, width] a vocabulary: (1 + ln count) x weight, each row scaled to length 1.
 *
 * A text has the same features in every bit wherever it stands in a batch and whatever runtime reads it: trees cut between
 * values that lie close. So there is no logarithm, whose last bit depends on the place, and factors are multiples of 2^-8:
 * their squares are sums without rounding in double, in any order.
 */
export const textFeatures = (fit: TextFit, value: Value): Value[] =>
  fit.vocabularies.map(({ cut, grams, weights }) => {
    const counts = op.NGramCounts(tokenTable(value, cut, `${fit.name} ${cut}`), grams);
    const places = op.Cast(op.Min(counts, MOST_COUNTED), 'int32');
    const weighed = op.Mul(op.Gather(vector(SUBLINEAR), places), vector(weights));
    const exact = op.Cast(weighed, 'float64');
    const length = op.Sqrt(op.ReduceSum(op.Mul(exact, exact), { axes: [1], keepDims: true }));
    return op.Div(weighed, op.Max(op.Cast(length, 'float32'), scalar(1e-12)));
  });

/** string [rows] -> int64 [rows, length], cut or filled up with 0 at the end. */
export const tokenIds = (fit: TokenFit, value: Value): Value => {
  const table = tokenTable(value, fit.cut, 'tokens');
  const keys = ['', ...fit.tokens];
  const ids = op.StringToInt(
    table,
    keys,
    keys.map((_, i) => (i === 0 ? 0 : i + 1)),
    1,
  );
  const none = op.Mul(op.StringToInt(value, [''], [0], 0), scalar(0, 'int64'));
  const padding = op.Mul(op.Unsqueeze(none, [1]), vector(Array<number>(fit.length).fill(0), 'int64'));
  const first = Array.from({ length: fit.length }, (_, i) => i);
  return op.Gather(op.Concat([ids, padding], 1), vector(first, 'int64'), 1);
};
