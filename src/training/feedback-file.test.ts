import type { Failure, ModelSignature } from '../../contracts';
import { LearningTask } from '../../contracts';
import { requireJoinable } from './feedback-file';

const signature = (more: Partial<ModelSignature>): ModelSignature => ({
  v: 1,
  task: 'regression',
  target: 'y',
  inputs: [],
  classes: [],
  outputs: ['prediction'],
  ...more,
});
const joins = (more: Partial<ModelSignature>): boolean => {
  try {
    requireJoinable(signature(more));
    return true;
  } catch (error) {
    expect((error as Failure).code).toBe('STATE_CONFLICT');
    return false;
  }
};

it('feedback joins the rows of a model whose rows have a truth and stand by themselves, or in one sequence', () => {
  expect(LearningTask.options.filter((task) => joins({ task }))).toEqual(['regression', 'classification']);
  expect(joins({ window: { order: 'cycle', group: null } })).toBe(true);
  expect(joins({ window: { order: 'cycle', group: 'unit' } })).toBe(false);
});
