/** The evaluation that comes with every model version. What each figure means: docs/evaluation.md. */
import type { Epoch, Estimate, EvaluationReport, MetricsBySplit } from '../../contracts';
import { learningCurve } from './learning-curve';

/** What any report says, whatever the task. */
export interface ReportBasis {
  readonly task: string;
  readonly targetName: string | null;
  readonly metrics: MetricsBySplit;
  readonly history: readonly Epoch[];
  readonly curveUnit?: 'epoch' | 'tree' | 'trial';
  readonly testRows: number;
}

/** Metrics without intervals, the learning curve, and nothing else yet: other tasks fill in what they have. */
export const basicReport = ({
  task,
  targetName,
  metrics,
  history,
  curveUnit = 'epoch',
  testRows,
}: ReportBasis): EvaluationReport => {
  const estimates: Record<string, Estimate> = {};
  for (const [name, value] of Object.entries(metrics.test))
    if (value !== null) estimates[name] = { value, low: null, high: null };
  return {
    v: 1,
    task,
    target: targetName,
    classes: [],
    rows: { of: 'test', count: testRows },
    metrics: estimates,
    gap: gapOf(metrics),
    learningCurve: learningCurve(history, curveUnit),
    calibration: null,
    decision: null,
    confusion: null,
    residuals: null,
    conformal: null,
    slices: null,
    importance: null,
    shapley: null,
    partialDependence: [],
    fairness: [],
    leftOut: [],
  };
};

/** The first metric of the task is its main one; a log loss tells more of overfitting than an accuracy. */
const gapOf = ({ train, validation, test }: MetricsBySplit): EvaluationReport['gap'] => {
  const metric = 'logLoss' in train ? 'logLoss' : Object.keys(train)[0];
  if (metric === undefined) return null;
  return {
    metric,
    train: train[metric] ?? null,
    validation: validation[metric] ?? null,
    test: test[metric] ?? null,
  };
};
