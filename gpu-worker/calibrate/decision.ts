/** The label that costs least, given what each mistake costs. */
import { Failure } from '../../contracts';
import type { ErrorCosts } from '../../contracts';
import { constant, op, tensor } from '../../onnx';
import type { Value } from '../../onnx';

/** `[truth][decided]`, square. */
export type CostMatrix = readonly (readonly number[])[];

/** Throws BAD_SPEC where the costs do not fit the number of classes. */
export const costMatrix = (costs: ErrorCosts, classes: number): CostMatrix => {
  const bad = (message: string): Failure => new Failure('BAD_SPEC', message, { path: ['costs'] });
  if (!('matrix' in costs)) {
    if (classes !== 2)
      throw bad(`falsePositive and falseNegative are for two classes; give a matrix for these ${classes}`);
    return [
      [0, costs.falsePositive],
      [costs.falseNegative, 0],
    ];
  }
  const { matrix } = costs;
  if (matrix.length !== classes || matrix.some((row) => row.length !== classes))
    throw bad(`the cost matrix must have ${classes} rows and columns, one a class`);
  return matrix;
};

/**
 * Of two classes: decide for the second from this probability on (Elkan 2001). Null when the costs make one label right
 * whatever the probability.
 */
export const thresholdOf = (costs: CostMatrix): number | null => {
  const [[trueNegative, falsePositive], [falseNegative, truePositive]] = costs;
  const [worseWhenFalse, betterWhenTrue] = [falsePositive - trueNegative, falseNegative - truePositive];
  const threshold = worseWhenFalse / (worseWhenFalse + betterWhenTrue);
  return threshold >= 0 && threshold <= 1 ? threshold : null;
};

/** Expected cost of every label, row-major [rows, classes]. */
const expectedCosts = (probabilities: ArrayLike<number>, costs: CostMatrix): Float64Array => {
  const classes = costs.length;
  const expected = new Float64Array(probabilities.length);
  for (let from = 0; from < expected.length; from += classes)
    for (let truth = 0; truth < classes; truth++)
      for (let label = 0; label < classes; label++)
        expected[from + label] += probabilities[from + truth] * costs[truth][label];
  return expected;
};

/** Class index a row: the most probable one, or with `costs` the one that costs least; the first of equals. */
export const decide = (probabilities: ArrayLike<number>, classes: number, costs?: CostMatrix): Int32Array => {
  const expected = costs === undefined ? undefined : expectedCosts(probabilities, costs);
  const better = (a: number, b: number): boolean =>
    expected === undefined ? probabilities[a] > probabilities[b] : expected[a] < expected[b];
  return Int32Array.from({ length: probabilities.length / classes }, (_, row) => {
    let best = 0;
    for (let label = 1; label < classes; label++)
      if (better(row * classes + label, row * classes + best)) best = label;
    return best;
  });
};

/** Mean cost a row of what was decided. Rows of a class that the model does not know are left out. */
export const meanCost = (decided: Int32Array, codes: ArrayLike<number>, costs: CostMatrix): number | null => {
  let [sum, rows] = [0, 0];
  decided.forEach((label, row) => {
    if (codes[row] < 0) return;
    sum += costs[codes[row]][label];
    rows++;
  });
  return rows > 0 ? sum / rows : null;
};

/** `decide` as nodes: float32 [rows, classes] to int64 [rows]. */
export const decisionGraph = (probabilities: Value, costs?: CostMatrix): Value => {
  if (costs === undefined) return op.ArgMax(probabilities, 1);
  const table = constant(
    tensor(
      'float64',
      costs.flat().map((cost) => -cost),
      [costs.length, costs.length],
    ),
  );
  return op.ArgMax(op.MatMul(op.Cast(probabilities, 'float64'), table), 1);
};
