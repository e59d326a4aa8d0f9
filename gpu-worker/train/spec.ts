import { Failure, ModelSpec } from '../../contracts';
import type { LearningTask } from '../../contracts';
import { checkTask } from '../family/concrete';

/** Defaults filled in; throws BAD_SPEC with the path of what does not fit, also for choices that fit no task. */
export const checkedSpec = (given: unknown, task: LearningTask): ModelSpec => {
  const parsed = ModelSpec.safeParse(given);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new Failure('BAD_SPEC', `model spec: ${issue?.message ?? 'not understood'}`, {
      path: ['spec', ...(issue?.path ?? []).map((key) => (typeof key === 'number' ? key : String(key)))],
    });
  }
  const spec = parsed.data;
  if (spec.family !== 'auto') checkTask(spec, task);
  if ('forecast' in spec && spec.forecast !== undefined && task !== 'forecast')
    throw bad('forecast', `these are options of the task forecast; the task is ${task}`);
  if ('window' in spec && spec.window !== undefined && task === 'forecast')
    throw bad('window', 'a forecast makes its own windows: give it forecast.lookback');
  for (const field of ['scaling', 'winsorise', 'missing', 'targetEncodingAbove'])
    if (task === 'forecast' && field in spec)
      throw bad(field, 'a forecast prepares its series by itself; leave it out');
  if (spec.family !== 'mlp') return spec;
  if (spec.numeric === 'piecewise' && spec.scaling !== undefined)
    throw bad(
      'scaling',
      'numeric: piecewise scales numbers by itself; leave scaling out, or choose numeric: standard',
    );
  if (spec.patience > 0 && spec.validationFraction === 0)
    throw bad(
      'patience',
      'early stopping needs validation rows: set validationFraction above 0, or patience to 0',
    );
  if (spec.classWeights === 'balanced' && task === 'regression')
    throw bad('classWeights', 'a regression has no classes to weigh; leave classWeights at none');
  return spec;
};

const bad = (field: string, message: string): Failure =>
  new Failure('BAD_SPEC', message, { path: ['spec', field] });
