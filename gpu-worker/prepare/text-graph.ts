import { op, scalar, vector } from '../../onnx';
import type { Value } from '../../onnx';
import type { TextFit, TokenFit } from './text';
import { tokenTable } from './tokens';

/** string [rows] -> float32 [rows, width] a vocabulary: (1 + ln count) x weight, each row scaled to length 1. */
export const textFeatures = (fit: TextFit, value: Value): Value[] =>
  fit.vocabularies.map(({ cut, grams, weights }) => {
    const counts = op.NGramCounts(tokenTable(value, cut, `${fit.name} ${cut}`), grams);
    const present = op.Min(counts, 1);
    // Where nothing is, ln 1 = 0.
    const sublinear = op.Add(present, op.Log(op.Max(counts, 1)));
    const weighed = op.Mul(sublinear, vector(weights));
    const squares = op.ReduceSum(op.Mul(weighed, weighed), { axes: [1], keepDims: true });
    return op.Div(weighed, op.Max(op.Sqrt(squares), scalar(1e-12)));
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
