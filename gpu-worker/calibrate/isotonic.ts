/** Isotonic regression: the rising function that is nearest to what was observed. */
import { constant, op, tensor } from '../../onnx';
import type { Value } from '../../onnx';

/** Neighbouring observations that share one fitted value. */
export interface Block {
  /** Weighted mean of `x`. */
  readonly x: number;
  readonly value: number;
  readonly weight: number;
}

/**
 * Least squares under y rising with x, by pooling adjacent violators (Ayer et al. 1955). Equal `x` are one observation.
 * Blocks come in ascending order of `x` and of `value`.
 */
export const isotonicBlocks = (
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  weight: (row: number) => number = () => 1,
): Block[] => {
  const order = Int32Array.from({ length: x.length }, (_, row) => row).sort((a, b) => x[a] - x[b]);
  const blocks: Block[] = [];
  for (let start = 0, end = 0; start < order.length; start = end) {
    let tied: Block | undefined;
    for (; end < order.length && x[order[end]] === x[order[start]]; end++) {
      const one = { x: x[order[end]], value: y[order[end]], weight: weight(order[end]) };
      tied = tied === undefined ? one : pooled(tied, one);
    }
    if (tied !== undefined) blocks.push(tied);
    pool(blocks);
  }
  return blocks;
};

const pool = (blocks: Block[]): void => {
  while (blocks.length > 1 && blocks[blocks.length - 2].value >= blocks[blocks.length - 1].value) {
    const [before, after] = blocks.splice(-2);
    blocks.push(pooled(before, after));
  }
};

const pooled = (a: Block, b: Block): Block => {
  const weight = a.weight + b.weight;
  const mean = (of: (block: Block) => number): number => (of(a) * a.weight + of(b) * b.weight) / weight;
  return { x: mean(({ x }) => x), value: mean(({ value }) => value), weight };
};

export interface Curve {
  /** Strictly rising. */
  readonly from: number[];
  /** Rising, within (0, 1). */
  readonly to: number[];
}

/**
 * A probability in float32 is known to 6e-8 of itself. Points closer than this share of it are pooled, so that the curve
 * cannot blow such a difference up to what verification would notice.
 */
const SPACING = 1 / 64;

/**
 * Isotonic calibration curve (Zadrozny and Elkan 2002) as a line through the centres of the blocks (centred isotonic
 * regression, Oron and Flournoy 2017): it rises where the steps would tie, and needs one point a block. No probability
 * comes nearer to 0 or 1 than the rule of succession has it for `scores.length` rows (Laplace: 1 / (rows + 2)).
 */
export const fitCurve = (scores: ArrayLike<number>, hits: ArrayLike<number>): Curve => {
  const points: Block[] = [];
  for (const block of isotonicBlocks(scores, hits)) {
    const before = points.at(-1);
    if (before === undefined || block.x - before.x >= SPACING * block.x) points.push(block);
    else points.splice(-1, 1, pooled(before, block));
  }
  const least = 1 / (scores.length + 2);
  const limited = (value: number): number => Math.min(Math.max(value, least), 1 - least);
  if (points.length === 1) return { from: [0, 1], to: [limited(points[0].value), limited(points[0].value)] };
  return { from: points.map(({ x }) => x), to: points.map(({ value }) => limited(value)) };
};

const slopesOf = ({ from, to }: Curve): number[] =>
  from.slice(1).map((x, i) => (to[i + 1] - to[i]) / (x - from[i]));

/** Linear between the points, constant beyond them. */
export const applyCurve = (curve: Curve): ((score: number) => number) => {
  const { from, to } = curve;
  const slopes = slopesOf(curve);
  return (score) => {
    const x = Math.min(Math.max(score, from[0]), from[from.length - 1]);
    let [low, high] = [0, slopes.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (x >= from[middle]) low = middle;
      else high = middle - 1;
    }
    return to[low] + slopes[low] * (x - from[low]);
  };
};

/** The same as nodes: float64 [rows, 1] in and out. The segment is found by counting the points that are passed. */
export const curveGraph = (score: Value, curve: Curve): Value => {
  const { from, to } = curve;
  const table = (values: readonly number[]): Value => constant(tensor('float64', values));
  const x = op.Clip(score, from[0], from[from.length - 1]);
  const inner = from.slice(1, -1);
  const passed = (): Value =>
    op.ReduceSum(
      op.Cast(op.GreaterOrEqual(x, constant(tensor('float64', inner, [1, inner.length]))), 'int64'),
      {
        axes: [1],
        keepDims: true,
      },
    );
  const pickFrom = (values: readonly number[]): Value | number =>
    inner.length === 0 ? values[0] : op.Gather(table(values), passed());
  return op.Add(
    op.Mul(op.Sub(x, pickFrom(from.slice(0, -1))), pickFrom(slopesOf(curve))),
    pickFrom(to.slice(0, -1)),
  );
};
