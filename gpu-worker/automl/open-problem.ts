import type { AutoSpec } from '../../contracts';
import type { Table } from '../data/table';
import { isSupervised } from '../family/data';
import type { TrainingData } from '../family/data';
import type { SupervisedTarget } from '../prepare/target';
import { pose } from '../purpose';
import { Assembly } from '../train/assemble';
import type { TrainRequest } from '../train/train-table';

/** The rows of a table that a search may learn from, for a task with a known answer. */
export const openProblem = (
  table: Table,
  request: Omit<TrainRequest, 'spec'> & { readonly spec: AutoSpec },
  signal: AbortSignal,
): { readonly data: TrainingData<SupervisedTarget> } => {
  const problem = pose(table, request, request.spec);
  const data = new Assembly(
    { ...problem, holdout: request.holdout, signal },
    problem.split.training,
    problem.split.validation,
  );
  if (isSupervised(data)) return { data };
  throw new Error(`a ${request.task} has families tried in turn, not a search`);
};
