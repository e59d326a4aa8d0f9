/** Which group a row belongs to. */
import type { Metrics, ModelSpec } from '../../contracts';
import { op, randomKey, randomUnit } from '../../onnx';
import { adjustedRand, daviesBouldin, silhouette } from '../evaluate/clustering';
import { decide } from '../calibrate/decision';
import type { Trained } from '../family/trained';
import { STANDARD } from '../prepare/encoding';
import { prepareMatrix } from '../prepare/matrix';
import { fitPreparation } from '../prepare/preparation';
import type { UnsupervisedTarget } from '../prepare/target';
import type { TrainRequest } from '../train/train-table';
import type { Judged, Problem } from './purpose';
import { goldenLabels, judgedRows, verifyProbabilities } from './labelled';

export const clustering = async (
  { table, columns, split, target }: Omit<Problem, 'judge'>,
  trained: Trained,
  _spec: ModelSpec,
  { seed }: TrainRequest,
  signal: AbortSignal,
): Promise<Judged> => {
  const preparation = fitPreparation(columns, split.training, STANDARD, null);
  const labels = (target as UnsupervisedTarget).labels;
  const checked = judgedRows(split);
  const probabilities = await trained.predict(checked, signal);
  const count = checked.length === 0 ? 1 : probabilities.length / checked.length;
  const classes = Array.from({ length: count }, (_, group) => String(group));
  const metricsOf = async (rows: Int32Array, groups: Int32Array): Promise<Metrics> => {
    const points = await prepareMatrix(table, preparation, rows, signal);
    return {
      silhouette: await silhouette(points, groups, seed, signal),
      daviesBouldin: daviesBouldin(points, groups),
      ...(labels !== null && {
        adjustedRand: adjustedRand(
          groups,
          rows.map((row) => labels.codes[row] ?? -1),
        ),
      }),
    };
  };
  const groupsOf = async (rows: Int32Array): Promise<Int32Array> =>
    decide(await trained.predict(rows, signal), count);
  const key = randomKey(seed, 0xba5e);
  const chance = checked.map((_, at) => Math.floor(randomUnit(key, at) * count));
  return {
    metrics: {
      train: await metricsOf(split.training, await groupsOf(split.training)),
      validation: {},
      test: await metricsOf(checked, decide(probabilities, count)),
      // Groups drawn at random.
      baseline: await metricsOf(checked, chance),
    },
    answer: (output) => ({
      prediction: op.IntToString(
        op.ArgMax(output, 1),
        classes.map((_, group) => group),
        classes,
        '',
      ),
      probabilities: output,
    }),
    signature: { classes, outputs: ['prediction', 'probabilities'] },
    checked,
    verify: (served) => verifyProbabilities(served, probabilities, checked.length),
    golden: (served, positions) =>
      goldenLabels(
        served,
        positions,
        count,
        (at) => labels?.classes[labels.codes[checked[at] ?? 0] ?? -1] ?? '',
      ),
    compare: () => null,
    manifest: {},
  };
};
