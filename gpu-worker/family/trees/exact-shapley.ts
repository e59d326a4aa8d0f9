import type { FeatureMatrix } from '../../prepare/matrix';
import type { Preparation } from '../../prepare/preparation';
import type { ExactShapley } from '../trained';
import type { Forest } from './forest';
import type { Link } from './link';
import { shapValues } from './shap';

/** Of what the trees add up to: the target, or what a link makes an answer of. */
export const exactShapley = (
  forest: Forest,
  { blocks }: Preparation,
  { unit, additive }: Link,
  matrix: (rows: Int32Array) => Promise<FeatureMatrix>,
): ExactShapley => ({
  unit,
  values: async ({ rows, labels, background, players, playerOf }, signal) => {
    const ofScores = await shapValues(
      forest,
      {
        rows: await matrix(rows),
        outputs: labels.map((label) => additive(label).output),
        background: await matrix(background),
        players,
        playerOf: Int32Array.from(
          blocks.flatMap(({ column, width }) => new Array<number>(width).fill(playerOf(column))),
        ),
      },
      signal,
    );
    return ofScores.map(({ base, output, values }, row) => {
      const { scale, shift } = additive(labels[row]);
      return {
        base: base * scale + shift,
        output: output * scale + shift,
        values: values.map((value) => value * scale),
      };
    });
  },
});
