/** How unusual a row is: the family's score as the share of ordinary rows that are less unusual. */
import type { EvaluationReport, ModelSpec } from '../../contracts';
import { op, vector } from '../../onnx';
import type { Value } from '../../onnx';
import { anomalySample, falseAlarms } from '../evaluate/anomaly';
import { bootstrapMetrics } from '../evaluate/bootstrap';
import { confusion } from '../evaluate/confusion';
import type { Sample } from '../evaluate/sample';
import type { Trained } from '../family/trained';
import { quantile } from '../prepare/quantile';
import type { UnsupervisedTarget } from '../prepare/target';
import type { TrainRequest } from '../train/train-table';
import type { Judged, Problem } from './purpose';
import { goldenLabels, judgedRows, verifyProbabilities } from './labelled';
import type { Labels } from './labelled';

export const ANOMALY_CLASSES = ['normal', 'anomaly'] as const;

/** So many rows apart from the training rows say better what an ordinary score is. */
const ENOUGH_VALIDATION = 200;
/** Shares at which false alarms are counted, beside the one from which a row is flagged. */
const LEVELS = [0.9, 0.95, 0.99];
const TOO_FEW_VALIDATED: EvaluationReport['leftOut'][number] = {
  section: 'conformal',
  why: `with fewer than ${ENOUGH_VALIDATION} validation rows the scores of the training rows say what is ordinary, which promises nothing about others`,
};
const KNOTS = 200;

export const anomaly = async (
  { split, target }: Omit<Problem, 'judge'>,
  trained: Trained,
  spec: ModelSpec,
  { seed }: TrainRequest,
  signal: AbortSignal,
): Promise<Judged> => {
  const contamination = 'contamination' in spec ? spec.contamination : 0.05;
  const learned = await trained.predict(split.training, signal);
  const validated = await trained.predict(split.validation, signal);
  const apart = validated.length >= ENOUGH_VALIDATION;
  const knots = knotsOf(apart ? validated : learned);
  const checked = judgedRows(split);
  const scores = checked === split.training ? learned : await trained.predict(checked, signal);
  const shares = Float64Array.from(scores, (score) => shareBelow(knots, score));
  const labels = (target as UnsupervisedTarget).labels;
  const rare = labels === null ? -1 : rarest(labels, split.training);
  const flaggedOf = (of: Float32Array): Uint8Array =>
    Uint8Array.from(of, (score) => (shareBelow(knots, score) >= 1 - contamination ? 1 : 0));
  /** 1 = anomaly, 0 = not, -1 = not known. */
  const knownOf = (rows: Int32Array): Int32Array =>
    Int32Array.from(rows, (row) => {
      const code = labels?.codes[row] ?? -1;
      return code < 0 ? -1 : code === rare ? 1 : 0;
    });
  const sampleOf = (rows: Int32Array, of: Float32Array): Sample => {
    const flagged = flaggedOf(of);
    const labelled = labels === null ? undefined : anomalySample(of, knownOf(rows));
    return {
      rows: rows.length,
      metrics: (weights) => ({ flaggedShare: mean(flagged, weights), ...labelled?.metrics(weights) }),
    };
  };
  const test = sampleOf(checked, scores);
  const share = labels === null ? null : shareOf(labels, rare, checked);
  return {
    metrics: {
      train: sampleOf(split.training, learned).metrics(),
      validation: sampleOf(split.validation, validated).metrics(),
      test: test.metrics(),
      // What a score drawn at random gives.
      baseline: { flaggedShare: contamination, ...(share !== null && { auc: 0.5, averagePrecision: share }) },
    },
    answer: (output) => answer(output, knots, contamination),
    signature: { classes: [...ANOMALY_CLASSES], outputs: ['prediction', 'probabilities'] },
    checked,
    verify: (served) =>
      verifyProbabilities(
        served,
        Float32Array.from({ length: 2 * shares.length }, (_, at) => {
          const of = shares[at >> 1];
          return at % 2 === 0 ? 1 - of : of;
        }),
        checked.length,
      ),
    golden: (served, positions) =>
      goldenLabels(served, positions, 2, (at) => {
        const code = labels?.codes[checked[at]] ?? -1;
        return code < 0 ? '' : code === rare ? 'anomaly' : 'normal';
      }),
    compare: () => null,
    findings: async (signal) => ({
      classes: [...ANOMALY_CLASSES],
      metrics: await bootstrapMetrics(test, seed, signal),
      confusion: labels === null ? null : confusion(flaggedOf(scores), knownOf(checked), ANOMALY_CLASSES),
      conformal: apart
        ? {
            fit: { kind: 'anomaly-share', method: 'score-quantiles', rows: validated.length },
            coverage: falseAlarms(shares, knownOf(checked), [...LEVELS, 1 - contamination]),
          }
        : null,
      leftOut: apart ? [] : [TOO_FEW_VALIDATED],
    }),
    manifest: {},
  };
};

/** Null without rows. */
const mean = (values: ArrayLike<number>, weights?: ArrayLike<number>): number | null => {
  let [sum, count] = [0, 0];
  for (let row = 0; row < values.length; row++) {
    const weight = weights?.[row] ?? 1;
    sum += weight * values[row];
    count += weight;
  }
  return count > 0 ? sum / count : null;
};

/** Rising scores with equal shares of the rows between them. */
const knotsOf = (scores: Float32Array): Float64Array => {
  const sorted = Float64Array.from(scores).sort();
  const knots: number[] = [];
  for (let at = 0; at <= KNOTS; at++) {
    const knot = quantile(sorted, at / KNOTS);
    if (!(knot <= (knots.at(-1) ?? -Infinity))) knots.push(knot);
  }
  return Float64Array.from(knots);
};

/** 0 at the least knot or below, 1 at the greatest or above, linear between neighbours. */
const shareBelow = (knots: Float64Array, score: number): number => {
  const parts = knots.length - 1;
  if (parts === 0) return score > knots[0] ? 1 : 0.5;
  let [passed, end] = [0, knots.length];
  while (passed < end) {
    const middle = (passed + end) >> 1;
    if (knots[middle] <= score) passed = middle + 1;
    else end = middle;
  }
  if (passed === 0) return 0;
  if (passed > parts) return 1;
  const [from, to] = [knots[passed - 1], knots[passed]];
  return (passed - 1 + (score - from) / (to - from)) / parts;
};

const answer = (output: Value, knots: Float64Array, contamination: number): Record<string, Value> => {
  // All scores alike: a knot beside it keeps the width above zero.
  const all = knots.length > 1 ? [...knots] : [knots[0] - 1e-9, knots[0]];
  const starts = vector(all.slice(0, -1), 'float64');
  const widths = vector(
    all.slice(1).map((to, at) => to - all[at]),
    'float64',
  );
  const passed = op.Clip(op.Div(op.Sub(op.Cast(output, 'float64'), starts), widths), 0, 1);
  const share = op.ReduceMean(passed, { axes: [1], keepDims: true });
  const flagged = op.Cast(op.Squeeze(op.GreaterOrEqual(share, 1 - contamination), [1]), 'int64');
  return {
    prediction: op.IntToString(flagged, [0, 1], [...ANOMALY_CLASSES], ''),
    probabilities: op.Cast(op.Concat([op.Sub(1, share), share], 1), 'float32'),
  };
};

/** Where rows are labelled, the rarest label is the anomaly. */
const rarest = ({ codes, classes }: Labels, rows: Int32Array): number => {
  const counts = classes.map(() => 0);
  for (const row of rows) {
    const code = codes[row];
    if (code >= 0) counts[code]++;
  }
  return counts.indexOf(Math.min(...counts));
};

const shareOf = ({ codes }: Labels, label: number, rows: Int32Array): number => {
  const known = rows.filter((row) => codes[row] >= 0);
  return known.filter((row) => codes[row] === label).length / Math.max(known.length, 1);
};
