import { Field, Float, ID, InputType, Int, ObjectType, registerEnumType } from 'type-graphql';
import { TASKS } from '../../contracts';
import type { LearningTask } from '../../contracts';
import { connectionOf } from '../api';
import { Json } from '../api/scalars';
import { SCENARIO_STATES } from './scenario.entity';
import type { Scenario, ScenarioState } from './scenario.entity';

const asEnum = <T extends string>(values: readonly T[]): Record<T, T> =>
  Object.fromEntries(values.map((value) => [value, value])) as Record<T, T>;

export const LearningTaskEnum = asEnum(TASKS);
registerEnumType(LearningTaskEnum, {
  name: 'LearningTask',
  description: 'What kind of answer a model gives.',
});
const ScenarioStateEnum = asEnum(SCENARIO_STATES);
registerEnumType(ScenarioStateEnum, { name: 'ScenarioState' });

@ObjectType({ description: 'What is kept of predictions, for feedback and retraining.' })
export class PredictionLogPolicy {
  @Field()
  enabled: boolean;
  @Field(() => Float, { description: 'Fraction of the requests that is kept, 0 to 1.' })
  sampling: number;
  @Field(() => Int)
  retentionDays: number;
  @Field(() => [String], { description: 'Columns that are never kept.' })
  leftOut: string[];
}

@ObjectType('Scenario', { description: 'One business use of a model. Everything else hangs on one.' })
export class ScenarioType {
  @Field(() => ID)
  id: string;
  @Field()
  name: string;
  @Field()
  description: string;
  @Field(() => String, { nullable: true })
  template: string | null;
  @Field(() => ScenarioStateEnum)
  state: ScenarioState;
  @Field(() => LearningTaskEnum)
  task: LearningTask;
  @Field(() => String, {
    nullable: true,
    description: 'The column that is predicted; null for anomaly, clustering and synthesis without one.',
  })
  target: string | null;
  @Field({ description: 'rmse, mae or r2; accuracy, logLoss, auc or f1Macro.' })
  goalMetric: string;
  @Field(() => Json, { nullable: true, description: 'What a wrong label costs; labels are decided by it.' })
  errorCosts: Scenario['errorCosts'];
  @Field({ description: 'ISO 4217.' })
  currency: string;
  @Field({ description: 'What is asked for an answer.' })
  priceNote: string;
  @Field({ description: 'What a right answer is worth, and a wrong one costs.' })
  valueNote: string;
  @Field(() => PredictionLogPolicy)
  predictionLog: PredictionLogPolicy;
  @Field()
  createdAt: Date;
  @Field()
  updatedAt: Date;
  @Field(() => Date, { nullable: true })
  archivedAt: Date | null;
}

@ObjectType('ScenarioTemplate')
export class ScenarioTemplateType {
  @Field(() => ID)
  id: string;
  @Field()
  name: string;
  @Field()
  description: string;
  @Field(() => LearningTaskEnum)
  task: LearningTask;
  @Field()
  target: string;
  @Field()
  goalMetric: string;
  @Field()
  priceNote: string;
  @Field()
  valueNote: string;
}

@InputType()
export class PredictionLogPolicyInput {
  @Field(() => Boolean, { nullable: true })
  enabled?: boolean | null;
  @Field(() => Float, { nullable: true })
  sampling?: number | null;
  @Field(() => Int, { nullable: true })
  retentionDays?: number | null;
  @Field(() => [String], { nullable: true })
  leftOut?: string[] | null;
}

@InputType({ description: 'What is left out stays as it is.' })
export class UpdateScenarioInput {
  @Field(() => String, { nullable: true })
  name?: string | null;
  @Field(() => String, { nullable: true })
  description?: string | null;
  @Field(() => String, { nullable: true })
  goalMetric?: string | null;
  @Field(() => Json, {
    nullable: true,
    description:
      'Of a classification: {falsePositive, falseNegative}, or {matrix: [truth][decided]} over all classes.',
  })
  errorCosts?: unknown;
  @Field(() => String, { nullable: true, description: 'ISO 4217; EUR when left out.' })
  currency?: string | null;
  @Field(() => String, { nullable: true })
  priceNote?: string | null;
  @Field(() => String, { nullable: true })
  valueNote?: string | null;
  @Field(() => PredictionLogPolicyInput, { nullable: true })
  predictionLog?: PredictionLogPolicyInput | null;
}

@InputType({ description: 'A template brings name, task, target and notes; what is given here wins.' })
export class CreateScenarioInput extends UpdateScenarioInput {
  @Field(() => String, { nullable: true, description: 'An id of scenarioTemplates.' })
  template?: string | null;
  @Field(() => LearningTaskEnum, { nullable: true })
  task?: LearningTask | null;
  @Field(() => String, { nullable: true })
  target?: string | null;
}

export const ScenarioConnection = connectionOf('Scenario', ScenarioType);

export const toScenarioType = (scenario: Scenario): ScenarioType => {
  const { logEnabled, logSampling, logRetentionDays, logLeftOut, ...plain } = scenario;
  return {
    ...plain,
    predictionLog: {
      enabled: logEnabled,
      sampling: logSampling,
      retentionDays: logRetentionDays,
      leftOut: logLeftOut,
    },
  };
};
