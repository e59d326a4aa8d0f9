import type { FeatureMatrix } from '../../prepare/matrix';
import type { Preparation } from '../../prepare/preparation';
import type { ShapleyValues } from '../trained';
import type { Forest } from './forest';
import { Pause } from './pause';
import { shapValues } from './shap';

/** Shapley values of the first output; the features of a column (the parts of a date) are added up. */
export const shapleyOfColumns = async (
  forest: Forest,
  { blocks }: Preparation,
  matrix: FeatureMatrix,
  signal: AbortSignal,
): Promise<ShapleyValues> => {
  const columns = [...new Set(blocks.map(({ column }) => column))];
  const columnOf = blocks.flatMap(({ column, width }) =>
    new Array<number>(width).fill(columns.indexOf(column)),
  );
  const values = new Float64Array(matrix.rows * columns.length);
  const pause = new Pause(signal);
  let base = 0;
  for (let row = 0; row < matrix.rows; row++) {
    const features = matrix.values.subarray(row * matrix.width, (row + 1) * matrix.width);
    const shap = shapValues(forest, features);
    base = shap.expected[0];
    shap.values[0]?.forEach((value, feature) => {
      const at = row * columns.length + columnOf[feature];
      values[at] += value;
    });
    if (pause.due()) await pause.take();
  }
  return { base, columns, values, rows: forest.trees[0]?.cover[0] ?? 0 };
};
