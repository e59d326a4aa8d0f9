/** Which group a row belongs to. */
import type { ModelSpec } from '../../contracts';
import { op, randomKey, randomUnit } from '../../onnx';
import { bootstrapMetrics } from '../evaluate/bootstrap';
import { groupingSample } from '../evaluate/clustering';
import type { Sample } from '../evaluate/sample';
import { decide } from '../calibrate/decision';
import type { Trained } from '../family/trained';
import { STANDARD } from '../prepare/encoding';
import { prepareMatrix } from '../prepare/matrix';
import { fitPreparation } from '../prepare/preparation';
import type { UnsupervisedTarget } from '../prepare/target';
import type { TrainRequest } from '../train/train-table';
import type { Judged, Problem } from './purpose';
import { goldenLabels, judgedRows, verifyProbabilities } from './labelled';

const MOST_JUDGED = 5000;

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
  const sampleOf = async (rows: Int32Array, groups: Int32Array): Promise<Sample> => {
    // Thinned out evenly: figures of more rows would take longer than they are worth.
    const most = Math.min(rows.length, MOST_JUDGED);
    const places = Int32Array.from({ length: most }, (_, i) => Math.floor((i * rows.length) / most));
    const judged = places.map((place) => rows[place]);
    return groupingSample(
      await prepareMatrix(table, preparation, judged, signal),
      places.map((place) => groups[place]),
      labels === null ? null : judged.map((row) => labels.codes[row]),
      seed,
      signal,
    );
  };
  const groupsOf = async (rows: Int32Array): Promise<Int32Array> =>
    decide(await trained.predict(rows, signal), count);
  const test = await sampleOf(checked, decide(probabilities, count));
  const key = randomKey(seed, 0xba5e);
  const chance = checked.map((_, at) => Math.floor(randomUnit(key, at) * count));
  return {
    metrics: {
      train: (await sampleOf(split.training, await groupsOf(split.training))).metrics(),
      validation: {},
      test: test.metrics(),
      // Groups drawn at random.
      baseline: (await sampleOf(checked, chance)).metrics(),
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
      goldenLabels(served, positions, count, (at) => labels?.classes[labels.codes[checked[at]]] ?? ''),
    compare: () => null,
    findings: async (signal) => ({ metrics: await bootstrapMetrics(test, seed, signal), leftOut: [] }),
    manifest: {},
  };
};
