/** Filters that take the noise out of a series, looking back only; as numbers and as the nodes of a sealed file. */
import { op } from '../../onnx';
import type { Value } from '../../onnx';
import type { Smoothing } from '../../contracts';

/** Values of a series in order, nothing missing but all. Before the first value stands the first value. */
export const smoothed = (values: Float64Array, smoothing: Smoothing | undefined): Float64Array => {
  switch (smoothing?.kind) {
    case undefined:
      return values;
    case 'median': {
      const { length } = smoothing;
      const last = (at: number): Float64Array =>
        Float64Array.from({ length }, (_, back) => values[Math.max(0, at - back)]);
      return values.map((_, at) => last(at).sort()[(length - 1) / 2]);
    }
    case 'exponential': {
      const [first] = values;
      let level = values.map((value) => (value - first) * smoothing.share);
      for (const { by, share } of doublings(smoothing.share, values.length)) {
        const before = level;
        level = before.map((value, at) => value + (at < by ? 0 : before[at - by]) * share);
      }
      return level.map((value) => value + first);
    }
  }
};

/** `smoothed` of each window, float64 [rows, length] with nothing missing but whole windows; equal in every bit. */
export const smoothedWindow = (x: Value, smoothing: Smoothing | undefined): Value => {
  const length = Number(x.shape[1]);
  switch (smoothing?.kind) {
    case undefined:
      return x;
    case 'median': {
      const first = cut(x, 0, 1);
      const shifted = Array.from({ length: smoothing.length }, (_, back) => earlier(x, back, length, first));
      return middle(shifted);
    }
    case 'exponential': {
      const first = cut(x, 0, 1);
      let level = op.Mul(op.Sub(x, first), smoothing.share);
      for (const { by, share } of doublings(smoothing.share, length))
        level = op.Add(level, op.Mul(earlier(level, by, length, op.Mul(first, 0)), share));
      return op.Add(level, first);
    }
  }
};

/**
 * The level is the sum of share x (1 - share)^i x the value i cells before, over the distances from the first value: a pass
 * of weight (1 - share)^by doubles how many cells it reaches back, until what is further back weighs nothing.
 */
const doublings = (share: number, length: number): { by: number; share: number }[] => {
  const passes: { by: number; share: number }[] = [];
  for (let by = 1; by < length && (1 - share) ** by > 1e-20; by *= 2)
    passes.push({ by, share: (1 - share) ** by });
  return passes;
};

const cut = (x: Value, start: number, end: number): Value => op.Slice(x, [{ axis: 1, start, end }]);

/** Each cell shows the one `by` cells earlier; the first cells show `before`, [rows, 1]. */
const earlier = (x: Value, by: number, length: number, before: Value): Value => {
  if (by === 0) return x;
  const empty = Math.min(by, length);
  const filled = Array.from({ length: empty }, () => before);
  return op.Concat(empty < length ? [...filled, cut(x, 0, length - by)] : filled, 1);
};

/** The middle one of an odd number of values, cell by cell: half of a selection sort. */
const middle = (of: readonly Value[]): Value => {
  let rest = [...of];
  const skipped = (of.length - 1) / 2;
  for (let at = 0; ; at++) {
    let [least] = rest;
    const larger: Value[] = [];
    for (const value of rest.slice(1)) {
      larger.push(op.Max(least, value));
      least = op.Min(least, value);
    }
    if (at === skipped) return least;
    rest = larger;
  }
};
