/** The evaluation that comes with every model version. What each figure means: docs/evaluation.md. */
import type { EvaluationReport, LearningTask, MetricsBySplit } from '../../contracts';
import type { Trained } from '../family/trained';
import { curveOf, whyNoCurve } from './learning-curve';
import { notOfTask } from './not-of-task';

/** What any report says, whatever the task. */
export interface ReportBasis {
  readonly task: LearningTask;
  readonly targetName: string | null;
  readonly metrics: MetricsBySplit;
  readonly trained: Pick<Trained, 'spec' | 'history' | 'searched'>;
  readonly testRows: number;
  /** Columns that fairness is judged by. */
  readonly sensitive: readonly string[];
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
  trained,
  testRows,
  sensitive,
}: ReportBasis): EvaluationReport => ({
  v: 1,
  task,
  target: targetName,
  classes: [],
  rows: { of: 'test', count: testRows },
  metrics: {},
  gap: gapOf(metrics),
  learningCurve: curveOf(trained),
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
  leftOut: [...whyNoCurve(trained), ...notOfTask(task, sensitive)],
});

/** Null: there was no time for any. */
export const withFindings = (report: EvaluationReport, found: Findings | null): EvaluationReport => ({
  ...report,
  ...found,
  leftOut: [...report.leftOut, ...(found?.leftOut ?? [])],
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
