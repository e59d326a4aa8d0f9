/** The evaluation that comes with every model version. What each figure means: docs/evaluation.md. */
import type { Epoch, EvaluationReport, MetricsBySplit } from '../../contracts';
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

/** What a task has to say of held-out rows. */
export type Findings = Pick<EvaluationReport, 'metrics' | 'leftOut'> & Partial<EvaluationReport>;

export const NOTHING_HELD_OUT: Findings = {
  metrics: {},
  leftOut: [
    {
      section: 'all',
      why: 'every row was learned from; hold some out to have figures that mean something',
    },
  ],
};

/** The learning curve and nothing else yet: the tasks fill in what they find. */
export const basicReport = ({
  task,
  targetName,
  metrics,
  history,
  curveUnit = 'epoch',
  testRows,
}: ReportBasis): EvaluationReport => ({
  v: 1,
  task,
  target: targetName,
  classes: [],
  rows: { of: 'test', count: testRows },
  metrics: {},
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
});

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
