import { op } from '../../onnx';
import type { Value } from '../../onnx';

/**
 * Fills what is missing (NaN) in each window of a number column, [rows, length]: with the nearest earlier value, else with
 * the nearest later one. A window without any value stays as it is. Distances double from pass to pass, so log2(length)
 * passes reach every cell.
 */
export const filledWindow = (x: Value): Value => passes(passes(x, earlier), later);

type Shift = (x: Value, by: number, length: number) => Value;

const passes = (x: Value, shifted: Shift): Value => {
  const length = Number(x.shape[1]);
  let filled = x;
  for (let by = 1; by < length; by *= 2)
    filled = op.Where(op.IsNaN(filled), shifted(filled, by, length), filled);
  return filled;
};

const cut = (x: Value, start: number, end: number): Value => op.Slice(x, [{ axis: 1, start, end }]);

/** Each cell shows the one `by` cells earlier; the first cells show themselves. */
const earlier: Shift = (x, by, length) => op.Concat([cut(x, 0, by), cut(x, 0, length - by)], 1);
const later: Shift = (x, by, length) => op.Concat([cut(x, by, length), cut(x, length - by, length)], 1);
