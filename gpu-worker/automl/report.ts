import type { TrialFiles, TrialOutcome, TrialReport, TrialSpec } from '../../contracts';
import type { SupervisedTarget } from '../prepare/target';
import { scoreOf } from './leaderboard';
import { pooled } from './score';

/** News of a trial as the control plane takes it. `files`: where they were stored, if they were. */
export const reportOf = (
  news: TrialSpec | TrialOutcome,
  target: SupervisedTarget,
  files: TrialFiles | null = null,
): TrialReport => {
  if (!('status' in news)) return { state: 'running', trial: news };
  if (news.status === 'failed') return { state: 'failed', outcome: news };
  const { inputs: _inputs, ...outcome } = news;
  return { state: 'done', outcome, score: scoreOf(pooled(news.folds), target), files };
};

/** What a report says of its trial; the inputs are read from their file where they are needed. */
export const outcomeOf = (report: TrialReport): TrialOutcome[] => {
  switch (report.state) {
    case 'running':
      return [];
    case 'failed':
      return [report.outcome];
    case 'done':
      return [{ ...report.outcome, inputs: [] }];
  }
};
