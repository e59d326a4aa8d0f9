/** Regression and classification: one known answer a row. */
import type { MetricsBySplit } from '../../contracts';
import { CHOOSING_FRACTION } from '../automl/in-turn/in-turn';
import { costMatrix } from '../calibrate/decision';
import { fitPostProcessing, processed } from '../calibrate/post-processing';
import { compareServed } from '../evaluate/champion';
import { drawn } from '../evaluate/explanations';
import { baselineOf, metricsOf } from '../evaluate/evaluate';
import { predictedOf } from '../evaluate/predict';
import type { Predicted } from '../evaluate/predict';
import { supervisedAnswer, supervisedOutputs } from '../export/sealed';
import { supervisedReport } from '../evaluate/supervised-report';
import { serve } from '../export/served';
import type { Served } from '../export/served';
import { verify } from '../export/verify';
import { validationFractionOf } from '../family/concrete';
import type { Trained } from '../family/trained';
import { splitRows, splitSequences } from '../prepare/split';
import type { Split } from '../prepare/split';
import { rowOrder } from '../prepare/window';
import { heldOutGroups } from '../prepare/whole-groups';
import { columnNamed, fitTarget, requireTarget } from '../prepare/target';
import type { SupervisedTarget } from '../prepare/target';
import { featureColumns } from '../train/assemble';
import type { Judged, Pose, Problem } from './purpose';

/** A search judges by folds of its own, so that every row teaches. */
const SEARCH_VALIDATION = 0;

const NO_ROWS = new Int32Array(0);

export const supervised =
  (task: SupervisedTarget['task']): Pose =>
  (table, request, spec) => {
    const named = requireTarget(request.target);
    const choosing = table.images === undefined ? SEARCH_VALIDATION : CHOOSING_FRACTION;
    const fraction = spec.family === 'auto' ? choosing : validationFractionOf(spec);
    const window = 'window' in spec ? spec.window : undefined;
    const order = window && rowOrder(table, window.order, window.group ?? null);
    const split =
      order === undefined
        ? splitRows(table, named, request.holdout, fraction, request.seed)
        : splitSequences(table, { ...request, target: named }, order, fraction);
    const groups = heldOutGroups(table, request.holdout);
    const target = fitTarget(columnNamed(table, named), task, split);
    const costs =
      request.costs === undefined || target.task === 'regression'
        ? undefined
        : costMatrix(request.costs, target.classes.length);
    const judge: Problem['judge'] = async (trained, signal, leftMs = () => Infinity) => {
      const { predicted, unseen, known } = await predictSplits(split, target, trained, {
        ...{ signal, leftMs, seed: request.seed },
      });
      const post = fitPostProcessing(unseen, target, unseen.at, { costs, seed: request.seed });
      const answered = (of: Predicted): Predicted => processed(post, of, target);
      const tests = split.test.length > 0;
      const metrics: MetricsBySplit = {
        train: metricsOf(answered(predicted.training), target, known),
        validation: metricsOf(answered(unseen), target, unseen.at),
        test: metricsOf(answered(predicted.test), target, split.test),
        baseline: baselineOf(target, tests ? split.test : split.validation),
      };
      const checked = tests ? split.test : split.training;
      const evaluate: Judged['evaluate'] = async (onnx, served, sections) => {
        const rows = tests ? split.test : trained.outOfSample ? NO_ROWS : split.validation;
        const answers = tests ? served : await serve(onnx, table, rows, signal, { order });
        if (answers === undefined) throw new Error('the file was served before');
        return supervisedReport({
          ...{ onnx, table, order, target, rows, post, metrics, sections },
          of: tests ? 'test' : 'validation',
          served: answers,
          targetName: named,
          trained,
          training: split.training,
          ...(trained.shapley && { shapley: trained.shapley }),
          ...(groups && { groups: rows.map((row) => groups[row]) }),
          sensitive: request.sensitive ?? [],
          seed: request.seed,
        });
      };
      return {
        metrics,
        answer: (output) => supervisedAnswer(output, target, post),
        signature: {
          classes: target.task === 'classification' ? [...target.classes] : [],
          outputs: supervisedOutputs(target, post),
          ...(window && { window: { order: window.order, group: window.group ?? null } }),
        },
        checked,
        verify: (served) =>
          verify(served, answered(tests ? predicted.test : predicted.training), target, post),
        golden: (served, positions) => golden(served, positions, checked, target),
        compare: (champion, challenger) =>
          compareServed(
            table,
            named,
            target,
            split.test,
            { champion, challenger },
            { seed: request.seed, costs },
          ),
        evaluate,
        manifest: {
          calibration: post.calibration,
          ...(post.costs && { costs: post.costs.map((row) => [...row]) }),
          ...(post.conformal && { conformal: post.conformal }),
        },
      };
    };
    return { table, columns: featureColumns(table, request), target, split, order, judge };
  };

const predictSplits = async (
  split: Split,
  target: SupervisedTarget,
  trained: Trained,
  { signal, leftMs, seed }: { signal: AbortSignal; leftMs: () => number; seed: number },
): Promise<{
  readonly predicted: Readonly<Record<'training' | 'test', Predicted>>;
  /** Answers for rows that were not learned from, and which rows of the table those are. */
  readonly unseen: Predicted & { readonly at: Int32Array };
  /** Training rows that were asked: all of them, where there is time. */
  readonly known: Int32Array;
}> => {
  const of = async (rows: Int32Array): Promise<Predicted> =>
    predictedOf(await trained.predict(rows, signal), target, rows.length);
  const started = performance.now();
  const test = await of(split.test);
  const msPerRow = (performance.now() - started) / split.test.length;
  // Without held-out rows the file is verified on all that it learned from.
  const affordable = split.test.length > 0 ? Math.floor((TRAINING_SHARE * leftMs()) / msPerRow) : Infinity;
  const known = sampled(split.training, affordable, seed);
  const { outOfSample } = trained;
  const unseen = outOfSample?.rows ?? split.validation;
  return {
    known,
    predicted: { training: await of(known), test },
    unseen: {
      at: unseen,
      ...(outOfSample === undefined
        ? await of(unseen)
        : predictedOf(outOfSample.outputs, target, unseen.length)),
    },
  };
};

/** Of the time that is left, for answers to training rows: nothing rests on them but the gap in the report. */
const TRAINING_SHARE = 0.25;
const FEWEST_SAMPLED = 100;
const SAMPLED = 0x5a3;

const sampled = (rows: Int32Array, most: number, seed: number): Int32Array =>
  rows.length <= most
    ? rows
    : drawn(rows.length, Math.max(FEWEST_SAMPLED, most), seed, SAMPLED)
        .map((place) => rows[place])
        .sort();

const golden = (
  { predictions, probabilities }: Served,
  positions: readonly number[],
  rows: Int32Array,
  target: SupervisedTarget,
): ReturnType<Judged['golden']> => {
  const classes = target.task === 'classification' ? target.classes.length : 0;
  return {
    predictions: positions.map((at) => predictions[at]),
    probabilities:
      probabilities === null
        ? null
        : positions.map((at) => [...probabilities.subarray(at * classes, (at + 1) * classes)]),
    actuals: positions.map((at) =>
      target.task === 'regression' ? target.values[rows[at]] : (target.classes[target.codes[rows[at]]] ?? ''),
    ),
  };
};
