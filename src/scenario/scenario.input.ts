/** What a caller may say about a scenario, parsed once. */
import { z } from 'zod';
import { ErrorCosts, Failure, LearningTask, WITHOUT_TARGET, oneOf } from '../../contracts';
import { SCENARIO_TEMPLATES } from './templates';

/** The metrics of `contracts/training.ts` that a goal may be set on, by task. */
export const GOAL_METRICS: Readonly<Record<LearningTask, readonly string[]>> = {
  regression: ['rmse', 'mae', 'r2'],
  classification: ['accuracy', 'logLoss', 'auc', 'f1Macro'],
  forecast: ['mae', 'rmse', 'mase', 'smape', 'wape', 'quantileLoss'],
  anomaly: ['auc', 'averagePrecision'],
  clustering: ['silhouette', 'daviesBouldin', 'adjustedRand'],
  synthesis: ['utility', 'privacyDistance'],
};
export const DEFAULT_GOAL: Readonly<Record<LearningTask, string>> = {
  regression: 'rmse',
  classification: 'accuracy',
  forecast: 'mae',
  anomaly: 'auc',
  clustering: 'silhouette',
  synthesis: 'utility',
};

const note = z.string().max(10_000);

const Log = z.object({
  enabled: z.boolean().optional(),
  sampling: z.number().min(0).max(1).optional(),
  retentionDays: z.number().int().min(1).max(3650).optional(),
  leftOut: z.array(z.string().min(1).max(200)).max(2000).optional(),
});

const Changes = z.object({
  name: z.string().trim().min(1).max(200).optional(),
  description: note.optional(),
  goalMetric: z.string().max(100).optional(),
  errorCosts: ErrorCosts.optional(),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/, 'must be three capital letters, such as EUR')
    .optional(),
  priceNote: note.optional(),
  valueNote: note.optional(),
  predictionLog: Log.optional(),
});
export type ScenarioChanges = z.infer<typeof Changes>;

const NewScenario = Changes.extend({
  template: z.string().max(100).optional(),
  task: LearningTask.optional(),
  target: z.string().trim().min(1).max(200).optional(),
});

const withoutNulls = (value: unknown): unknown =>
  value !== null && typeof value === 'object' && !Array.isArray(value)
    ? Object.fromEntries(
        Object.entries(value)
          .filter(([, inner]) => inner !== null && inner !== undefined)
          .map(([key, inner]) => [key, withoutNulls(inner)]),
      )
    : value;

const parse = <T>(schema: z.ZodType<T>, input: unknown): T => {
  const parsed = schema.safeParse(withoutNulls(input));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const path = (issue?.path ?? []).map((part) => (typeof part === 'symbol' ? part.toString() : part));
  throw new Failure('BAD_INPUT', `${path.join('.')}: ${issue?.message ?? 'not understood'}`, { path });
};

export const parseChanges = (input: unknown): ScenarioChanges => parse(Changes, input);

export interface CompleteScenario extends ScenarioChanges {
  readonly name: string;
  readonly template: string | null;
  readonly task: LearningTask;
  readonly target: string | null;
  readonly goalMetric: string;
}

/** Fills in what the template says and the caller does not. */
export const parseNewScenario = (input: unknown): CompleteScenario => {
  const given = parse(NewScenario, input);
  const template = SCENARIO_TEMPLATES.find(({ id }) => id === given.template);
  if (given.template !== undefined && template === undefined) {
    const choices = SCENARIO_TEMPLATES.map(({ id }) => id);
    throw new Failure('BAD_INPUT', oneOf('template', given.template, choices), { path: ['template'] });
  }
  const name = given.name ?? template?.name;
  const task = given.task ?? template?.task;
  const target = given.target ?? template?.target ?? withoutTarget(task);
  for (const [field, value] of Object.entries({ name, task, target })) {
    if (value === undefined) {
      throw new Failure('BAD_INPUT', `${field} is needed, or a template that brings it`, { path: [field] });
    }
  }
  if (name === undefined || task === undefined || target === undefined)
    throw new Failure('BAD_INPUT', 'incomplete');
  checkCosts(task, given.errorCosts);
  const usual = template?.task === task ? template.goalMetric : DEFAULT_GOAL[task];
  return {
    ...(template === undefined
      ? {}
      : { description: template.description, priceNote: template.priceNote, valueNote: template.valueNote }),
    ...given,
    template: template?.id ?? null,
    name,
    task,
    target,
    goalMetric: checkGoal(task, given.goalMetric ?? usual),
  };
};

const withoutTarget = (task: LearningTask | undefined): null | undefined =>
  task !== undefined && WITHOUT_TARGET.includes(task) ? null : undefined;

/** Only labels can be decided by what mistakes cost. */
export const checkCosts = (task: LearningTask, costs: ErrorCosts | undefined): void => {
  if (costs === undefined || task === 'classification') return;
  throw new Failure('BAD_INPUT', `errorCosts are for a classification, and this is a ${task}`, {
    path: ['errorCosts'],
  });
};

export const checkGoal = (task: LearningTask, metric: string): string => {
  const metrics = GOAL_METRICS[task];
  if (!metrics.includes(metric))
    throw new Failure('BAD_INPUT', oneOf('goal metric', metric, metrics), { path: ['goalMetric'] });
  return metric;
};
