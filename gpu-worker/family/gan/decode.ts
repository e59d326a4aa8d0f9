/** From the generator's output to the columns of a row. */
import { constant, op, tensor, vector } from '../../../onnx';
import type { Value } from '../../../onnx';
import type { GeneratedColumn, NumberColumn } from './columns';
import { gumbel } from './network';

/**
 * One value a column, by its name: numbers float64 (NaN: missing), instants int64, categories text. `raw` [rows, width];
 * `uniform` [rows, width]: what decides between categories.
 */
export const decoded = (
  columns: readonly GeneratedColumn[],
  raw: Value,
  uniform: Value,
): Record<string, Value> => {
  let from = 0;
  const found: Record<string, Value> = {};
  const cut = (values: Value, width: number): Value =>
    op.Slice(values, [{ axis: 1, start: from, end: from + width }]);
  const choice = (width: number): Value => {
    const chosen = op.ArgMax(op.Add(cut(raw, width), gumbel(cut(uniform, width))), 1);
    from += width;
    return chosen;
  };
  for (const column of columns) {
    if (column.kind === 'category') {
      found[column.spec.name] = valueOf(column.spec.type, column.values, choice(column.values.length));
      continue;
    }
    const score = cut(raw, 1);
    from += 1;
    const number = numberOf(column, score);
    if (column.missing === 0) found[column.spec.name] = typed(column, number);
    else {
      const missing = op.Equal(choice(2), constant(tensor('int64', [1], [])));
      found[column.spec.name] = typed(column, op.Where(missing, NaN, number));
    }
  }
  return found;
};

const valueOf = (type: string, values: readonly string[], chosen: Value): Value => {
  const places = values.map((_, at) => at);
  if (type !== 'number') return op.IntToString(chosen, places, values, '');
  const numbers = values.map((value) => (value === '' ? NaN : Number(value)));
  return op.Gather(vector(numbers, 'float64'), chosen);
};

/** The value at the rank of a normal score, linear between the knots, [rows] float64. */
const numberOf = ({ knots, whole }: NumberColumn, score: Value): Value => {
  const rank = op.Mul(op.Add(op.Erf(op.Mul(score, Math.SQRT1_2)), 1), 0.5);
  const parts = knots.length - 1;
  const passed = op.Clip(
    op.Sub(
      op.Mul(op.Cast(rank, 'float64'), parts),
      vector(
        Array.from({ length: parts }, (_, at) => at),
        'float64',
      ),
    ),
    0,
    1,
  );
  const steps = constant(
    tensor(
      'float64',
      knots.slice(1).map((knot, at) => knot - knots[at]),
      [parts, 1],
    ),
  );
  const value = op.Add(op.Squeeze(op.MatMul(passed, steps), [1]), knots[0]);
  return whole ? op.Round(value) : value;
};

const MISSING_TIME = -(2n ** 63n);

const typed = ({ spec, missing }: NumberColumn, value: Value): Value => {
  if (spec.type !== 'time') return value;
  if (missing === 0) return op.Cast(value, 'int64');
  const none = op.IsNaN(value);
  return op.Where(
    none,
    constant(tensor('int64', [MISSING_TIME], [])),
    op.Cast(op.Where(none, 0, value), 'int64'),
  );
};
