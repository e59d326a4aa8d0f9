import { op, scalar, vector } from '../../onnx';
import type { Value } from '../../onnx';
import type { NumberFit } from './number';

export interface NumberColumn {
  readonly fit: NumberFit;
  /** double [rows] */
  readonly value: Value;
}

/**
 * All number columns side by side, in double until they are scaled: large values keep their small differences. Blocks
 * float32 [rows, width]: the values, the indicators, the bins; those of each kind in the order of the columns.
 */
export const numberFeatures = (columns: readonly NumberColumn[]): Value[] => {
  if (columns.length === 0) return [];
  const of = (get: (fit: NumberFit) => number): Value =>
    vector(
      columns.map(({ fit }) => get(fit)),
      'float64',
    );
  const values = sideBySide(columns.map(({ value }) => op.Unsqueeze(value, [1])));
  const missing = op.IsNaN(values);
  const filled = op.Where(
    missing,
    of((fit) => fit.fill ?? fit.center),
    values,
  );
  const clipped = op.Max(
    op.Min(
      filled,
      of((fit) => fit.high),
    ),
    of((fit) => fit.low),
  );
  const blocks = [keeping(columns, missing, scored(columns, clipped, scaled(columns, clipped)))];
  const indicated = columns.flatMap(({ fit }, i) => (fit.indicator ? [i] : []));
  if (indicated.length > 0)
    blocks.push(op.Gather(op.Cast(missing, 'float32'), vector(indicated, 'int64'), 1));
  const bins = columns.flatMap(({ fit }, column) =>
    fit.edges.slice(1).map((end, i) => ({ column, start: fit.edges[i] ?? end, end })),
  );
  if (bins.length > 0) blocks.push(through(clipped, bins));
  return blocks;
};

export const sideBySide = (blocks: readonly Value[]): Value => {
  const [first] = blocks;
  if (blocks.length === 1 && first !== undefined) return first;
  return op.Concat(blocks, 1);
};

const scaled = (columns: readonly NumberColumn[], clipped: Value): Value => {
  if (columns.every(({ fit }) => fit.center === 0 && fit.scale === 1)) return op.Cast(clipped, 'float32');
  const center = vector(
    columns.map(({ fit }) => fit.center),
    'float64',
  );
  const scale = vector(
    columns.map(({ fit }) => fit.scale),
    'float64',
  );
  return op.Cast(op.Div(op.Sub(clipped, center), scale), 'float32');
};

interface Bin {
  readonly column: number;
  readonly start: number;
  readonly end: number;
}

/** How far the value has come through each bin, 0 to 1 (Gorishniy et al. 2022, equation 1). */
const through = (clipped: Value, bins: readonly Bin[]): Value => {
  const source = op.Gather(
    clipped,
    vector(
      bins.map(({ column }) => column),
      'int64',
    ),
    1,
  );
  const starts = vector(
    bins.map(({ start }) => start),
    'float64',
  );
  const widths = vector(
    bins.map(({ start, end }) => end - start),
    'float64',
  );
  return op.Clip(op.Cast(op.Div(op.Sub(source, starts), widths), 'float32'), 0, 1);
};

/** Columns with scores: linear between the knots, as a sum of what each bin adds. */
const scored = (columns: readonly NumberColumn[], clipped: Value, plain: Value): Value => {
  if (columns.every(({ fit }) => fit.scores.length === 0)) return plain;
  const parts = columns.map(({ fit: { scores } }, column) => {
    const one = vector([column], 'int64');
    const [lowest] = scores;
    if (lowest === undefined) return op.Gather(plain, one, 1);
    if (scores.length === 1) return op.Mul(op.Gather(plain, one, 1), 0);
    const bins = scores.slice(1).map(([end], i) => ({ column, start: scores[i]?.[0] ?? end, end }));
    const rises = scores.slice(1).map(([, score], i) => score - (scores[i]?.[1] ?? 0));
    const risen = op.ReduceSum(op.Mul(through(clipped, bins), vector(rises)), { axes: [1], keepDims: true });
    return op.Add(risen, lowest[1]);
  });
  return sideBySide(parts);
};

/** Puts NaN back where a column keeps what is missing. */
const keeping = (columns: readonly NumberColumn[], missing: Value, features: Value): Value => {
  if (columns.every(({ fit }) => fit.fill !== null)) return features;
  const kept = vector(
    columns.map(({ fit }) => (fit.fill === null ? 1 : 0)),
    'bool',
  );
  return op.Where(op.And(missing, kept), scalar(NaN), features);
};
