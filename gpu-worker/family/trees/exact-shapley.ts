import { mixedInteractions } from '../../prepare/matrix';
import type { FeatureMatrix } from '../../prepare/matrix';
import type { Preparation } from '../../prepare/preparation';
import type { TrainingData } from '../data';
import type { ExactShapley, ToShare } from '../trained';
import type { Forest } from './forest';
import type { Link } from './link';
import { shapValues } from './shap';
import type { JointFeature } from './shap';

/** Of what the trees add up to: the target, or what a link makes an answer of. */
export const exactShapley = (
  forest: Forest,
  preparation: Preparation,
  { unit, additive }: Link,
  data: Pick<TrainingData, 'table' | 'matrix'>,
): ExactShapley => ({
  unit,
  values: async (asked, signal) => {
    const { rows, labels, background, players, playerOf } = asked;
    const ofScores = await shapValues(
      forest,
      {
        rows: await data.matrix(preparation, rows),
        outputs: labels.map((label) => additive(label).output),
        background: await data.matrix(preparation, background),
        players,
        playerOf: Int32Array.from(
          preparation.blocks.flatMap(({ column, of: [first] = [column], width }) =>
            new Array<number>(width).fill(playerOf(first)),
          ),
        ),
        joint: await jointFeatures(data, preparation, asked, signal),
      },
      signal,
    );
    return ofScores?.map(({ base, output, values }, row) => {
      const { scale, shift } = additive(labels[row]);
      return {
        base: base * scale + shift,
        output: output * scale + shift,
        values: values.map((value) => value * scale),
      };
    });
  },
});

/** Interactions whose two columns do not become known together. */
const jointFeatures = async (
  { table }: Pick<TrainingData, 'table'>,
  preparation: Preparation,
  { rows, background, playerOf }: ToShare,
  signal: AbortSignal,
): Promise<JointFeature[]> => {
  if (preparation.interactions.length === 0) return [];
  const pairs = rows.length * background.length;
  const known = Int32Array.from({ length: pairs }, (_, pair) => rows[Math.floor(pair / background.length)]);
  const unknown = Int32Array.from({ length: pairs }, (_, pair) => background[pair % background.length]);
  const firstKnown = await mixedInteractions(table, preparation, [known, unknown], signal);
  const secondKnown = await mixedInteractions(table, preparation, [unknown, known], signal);
  const made = preparation.blocks.flatMap(({ of, from, width }) =>
    of === undefined ? [] : Array.from({ length: width }, (_, i) => ({ of, feature: from + i })),
  );
  return made.flatMap(({ of: [first, second], feature }, place) =>
    playerOf(first) === playerOf(second)
      ? []
      : [
          {
            feature,
            second: playerOf(second),
            firstKnown: featureOf(firstKnown, place),
            secondKnown: featureOf(secondKnown, place),
          },
        ],
  );
};

const featureOf = ({ rows, width, values }: FeatureMatrix, feature: number): Float32Array =>
  Float32Array.from({ length: rows }, (_, row) => values[row * width + feature]);
