/** A table opened as a search opens it. */
import { AutoSpec } from '../../../contracts';
import type { HoldoutRule } from '../../../contracts';
import type { Table } from '../../data/table';
import { isSupervised } from '../../family/data';
import type { TrainingContext, TrainingData } from '../../family/data';
import type { SupervisedTarget } from '../../prepare/target';
import { pose } from '../../purpose';
import { Assembly } from '../../train/assemble';
import { request } from '../../testing/examples';

const BY_HASH: HoldoutRule = { kind: 'hash', salt: '', fraction: 0.2 };

export const searchData = (
  table: Table,
  target: string,
  task: SupervisedTarget['task'],
  holdout: HoldoutRule = BY_HASH,
): TrainingData<SupervisedTarget> => {
  const spec = AutoSpec.parse({ family: 'auto' });
  const problem = pose(table, request(spec, { target, task, holdout }), spec);
  const { signal } = new AbortController();
  const data = new Assembly(
    { ...problem, holdout, signal },
    problem.split.training,
    problem.split.validation,
  );
  if (!isSupervised(data)) throw new Error('a search has a known answer');
  return data;
};

export const quietContext = (seed = 5): TrainingContext => ({
  seed,
  engine: { name: 'onnxruntime', device: 'cpu', version: '' },
  signal: new AbortController().signal,
  progress: () => undefined,
});
