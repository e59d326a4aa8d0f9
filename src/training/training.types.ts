import { Field, Float, ID, InputType, Int, ObjectType, registerEnumType } from 'type-graphql';
import { DEVICES } from '../../contracts';
import type { Device, Phase } from '../../contracts';
import { connectionOf } from '../api/connection';
import { Json, Nano } from '../api/scalars';
import { ComparisonType, EpochType, PhaseEnum, ProblemType, toEpoch } from '../registry';
import type { JobUpdate } from './job-progress';
import { QUOTE_BASES } from './quote';
import type { SecondsQuote } from './quote';
import { JOB_KINDS, JOB_STATES, TRIAL_STATES } from './training.entity';
import type { Job, JobKind, JobState, Trial, TrialState } from './training.entity';
import type { RankedTrial } from './training.service';

const asEnum = <T extends string>(values: readonly T[]): Record<T, T> =>
  Object.fromEntries(values.map((value) => [value, value])) as Record<T, T>;
const JobStateEnum = asEnum(JOB_STATES);
registerEnumType(JobStateEnum, { name: 'JobState' });
const JobKindEnum = asEnum(JOB_KINDS);
registerEnumType(JobKindEnum, { name: 'JobKind' });
const TrialStateEnum = asEnum(TRIAL_STATES);
registerEnumType(TrialStateEnum, { name: 'TrialState' });
const DeviceEnum = asEnum(DEVICES);
registerEnumType(DeviceEnum, { name: 'Device', description: 'Where a model is trained.' });

@ObjectType('Job', { description: 'A request to make a model version.' })
export class JobType {
  @Field(() => ID) id: string;
  @Field(() => ID) scenarioId: string;
  @Field(() => JobKindEnum) kind: JobKind;
  @Field(() => JobStateEnum) state: JobState;
  @Field(() => ID, { description: 'What is trained on; for a retrain the version that its merge makes.' })
  datasetVersionId: string;
  @Field(() => ID, { nullable: true, description: 'For a retrain: whose rows the feedback joined.' })
  baseVersionId: string | null;
  @Field(() => ID, { nullable: true, description: 'For a retrain: the model version it is compared with.' })
  championId: string | null;
  @Field(() => Json) spec: Job['spec'];
  @Field(() => Int) seed: number;
  @Field(() => DeviceEnum, { nullable: true }) device: Device | null;
  @Field() modelName: string;
  @Field(() => ID, { nullable: true, description: 'Once the job has succeeded.' }) modelVersionId:
    string | null;
  @Field() cancelRequested: boolean;
  @Field(() => PhaseEnum, { nullable: true }) phase: Phase | null;
  @Field(() => Float, { description: '0 to 1 over the whole job.' }) fraction: number;
  @Field(() => String, { nullable: true }) message: string | null;
  @Field(() => ComparisonType, { nullable: true }) comparison: ComparisonType | null;
  @Field(() => ProblemType, { nullable: true }) error: ProblemType | null;
  @Field() createdAt: Date;
  @Field(() => Date, { nullable: true }) startedAt: Date | null;
  @Field(() => Date, { nullable: true }) finishedAt: Date | null;
}

@ObjectType('Trial', { description: 'One configuration that an automatic training tried.' })
export class TrialType {
  @Field(() => Int, { description: 'In the order of planning, from 0.' }) number: number;
  @Field(() => Int, { description: 'Trials of one candidate differ in rows and folds only.' })
  candidate: number;
  @Field(() => Int, { description: 'Trials of one rung saw equally much; later rungs saw more.' })
  rung: number;
  @Field(() => TrialStateEnum) state: TrialState;
  @Field(() => Json) spec: Trial['spec']['spec'];
  @Field(() => [Int], { description: 'Its pairs of training and validation rows.' }) folds: number[];
  @Field(() => Float, { description: 'Share of the training rows of each fold.' }) rowShare: number;
  @Field(() => String, { nullable: true, description: 'rmse in target units, or logLoss: lower is better.' })
  metric: string | null;
  @Field(() => Float, { nullable: true, description: 'On rows that it did not learn from.' })
  score: number | null;
  @Field(() => Float, { nullable: true, description: 'Lower end of the 95 % interval.' }) low: number | null;
  @Field(() => Float, { nullable: true }) high: number | null;
  @Field(() => Float, { nullable: true }) seconds: number | null;
  @Field(() => Float, { nullable: true, description: 'Of a prediction, in a batch.' })
  microsPerRow: number | null;
  @Field(() => Int, { nullable: true, description: 'Of its ONNX file.' }) sizeBytes: number | null;
  @Field(() => Int, {
    nullable: true,
    description: '1 is the best so far, of those that saw most; null without a score.',
  })
  rank: number | null;
  @Field(() => Nano, {
    nullable: true,
    description: "What its seconds cost by the plan's price of now; charged if the job succeeds.",
  })
  costNano: bigint | null;
  @Field(() => ProblemType, { nullable: true }) error: ProblemType | null;
}

@ObjectType('JobProgress')
export class JobProgressType {
  @Field(() => JobType) job: JobType;
  @Field(() => PhaseEnum, { nullable: true }) phase: Phase | null;
  @Field(() => Float) fraction: number;
  @Field(() => String, { nullable: true }) message: string | null;
  @Field(() => [EpochType], { description: 'Not shown before on this subscription, in order.' })
  epochs: EpochType[];
}

@InputType({ description: 'Hard limits; what is left out does not limit.' })
export class TrainingBudgetInput {
  @Field(() => Float, {
    nullable: true,
    description:
      'Wall-clock, from the first step of the training to its model, 1 to 604800. An automatic training has 60 where nothing is said here or in its spec. Time beyond is not charged, and a training that has no model by then fails with BUDGET_SPENT.',
  })
  seconds?: number | null;
  @Field(() => Int, {
    nullable: true,
    description: 'Trials of an automatic training, 1 to 10000; any other is one trial.',
  })
  trials?: number | null;
  @Field(() => Nano, {
    nullable: true,
    description:
      "What the training time is charged at most, over all workers, in billionths of the plan's currency. It is planned with the prices at the start, and holds at those of the end.",
  })
  amountNano?: bigint | null;
}

@InputType()
export class QuoteTrainingInput {
  @Field(() => ID) datasetVersionId: string;
  @Field(() => Json, { nullable: true, description: 'As in startTraining.' }) spec?: unknown;
  @Field(() => TrainingBudgetInput, { nullable: true, description: 'As in startTraining.' })
  budget?: TrainingBudgetInput | null;
  @Field(() => DeviceEnum, {
    nullable: true,
    description: 'Default: the first of MM_DEVICES that works on the worker which takes the job.',
  })
  device?: Device | null;
}

@InputType()
export class StartTrainingInput {
  @Field(() => ID) datasetVersionId: string;
  @Field(() => Json, {
    nullable: true,
    description: '{"family": ...} and its options (docs/training.md); default {"family": "auto"}.',
  })
  spec?: unknown;
  @Field(() => Int, {
    nullable: true,
    description: 'Same data, spec and seed give the same model. Default 1.',
  })
  seed?: number | null;
  @Field(() => DeviceEnum, { nullable: true, description: 'Default: what the worker has.' })
  device?: Device | null;
  @Field(() => String, {
    nullable: true,
    description: 'Versions of one name follow one another. Default: default.',
  })
  modelName?: string | null;
  @Field(() => TrainingBudgetInput, { nullable: true }) budget?: TrainingBudgetInput | null;
}

const QuoteBasisEnum = asEnum(QUOTE_BASES);
registerEnumType(QuoteBasisEnum, {
  name: 'QuoteBasis',
  description:
    'PAST: what earlier jobs of the tenant took, by cells and effort; TABLE: rough figures of other data and another machine; LIMIT: nothing is known but the limits.',
});

@ObjectType('QuotedSeconds')
export class QuotedSecondsType {
  @Field(() => Float) low: number;
  @Field(() => Float, { nullable: true, description: 'Null: nothing limits it.' }) high: number | null;
  @Field(() => QuoteBasisEnum) basis: SecondsQuote['basis'];
  @Field(() => Int, { description: 'Earlier jobs that it rests on.' }) jobs: number;
}

@ObjectType('QuotedCost', {
  description: "The seconds at the plan's price of now. Nothing is charged for a job that fails.",
})
export class QuotedCostType {
  @Field(() => Nano) lowNano: bigint;
  @Field(() => Nano, {
    nullable: true,
    description: 'Null: nothing limits it. As amountNano of the budget it is a hard limit.',
  })
  highNano: bigint | null;
  @Field(() => Nano, {
    nullable: true,
    description:
      'What is charged at most. Null: nothing bounds it, because further workers may join; give the budget an amount.',
  })
  capNano: bigint | null;
  @Field() currency: string;
}

@ObjectType('QuotedScore')
export class QuotedScoreType {
  @Field({ description: "The scenario's goal metric, of held-out rows." }) metric: string;
  @Field(() => Float) low: number;
  @Field(() => Float) high: number;
}

@ObjectType('TrainingQuote', {
  description:
    'What a training will probably take, cost and reach: cells of the data and earlier jobs of the tenant tell, not the values. Only capNano is a promise.',
})
export class TrainingQuoteType {
  @Field(() => QuotedSecondsType, { description: 'Worker time, of all workers together.' })
  seconds: QuotedSecondsType;
  @Field(() => QuotedCostType) cost: QuotedCostType;
  @Field(() => QuotedScoreType, { nullable: true, description: 'Null where nothing is known.' })
  expectedScore: QuotedScoreType | null;
  @Field({ description: 'What the expected score rests on, or why there is none.' })
  expectedScoreReason: string;
}

export const JobConnection = connectionOf('Job', JobType);

export const toJob = (job: Job): JobType => ({
  id: job.id,
  scenarioId: job.scenarioId,
  kind: job.kind,
  state: job.state,
  datasetVersionId: job.datasetVersionId,
  baseVersionId: job.baseVersionId,
  championId: job.championId,
  spec: job.spec,
  seed: job.seed,
  device: job.device,
  modelName: job.modelName,
  modelVersionId: job.state === 'SUCCEEDED' ? job.modelVersionId : null,
  cancelRequested: job.cancelRequested,
  phase: job.phase,
  fraction: job.fraction,
  message: job.message,
  comparison: job.comparison,
  error:
    job.errorCode === null
      ? null
      : { code: job.errorCode, message: job.errorMessage ?? '', hint: job.errorHint, column: null },
  createdAt: job.createdAt,
  startedAt: job.startedAt,
  finishedAt: job.finishedAt,
});

export const toJobProgress = (update: JobUpdate): JobProgressType => ({
  job: toJob(update.job),
  phase: update.phase,
  fraction: update.fraction,
  message: update.message,
  epochs: update.epochs.map(toEpoch),
});

export const toTrial = ({ trial, rank, costNano }: RankedTrial): TrialType => {
  const { id, state, spec, report, errorCode, errorMessage } = trial;
  return {
    number: id,
    candidate: spec.candidate,
    rung: spec.rung,
    state,
    spec: spec.spec,
    folds: spec.folds,
    rowShare: spec.rowShare,
    metric: report?.score.metric ?? null,
    score: report?.score.score ?? null,
    low: report?.score.low ?? null,
    high: report?.score.high ?? null,
    seconds: report?.outcome.seconds ?? null,
    microsPerRow: report?.outcome.microsPerRow ?? null,
    sizeBytes: report?.outcome.bytes ?? null,
    rank,
    costNano,
    error:
      errorCode === null ? null : { code: errorCode, message: errorMessage ?? '', hint: null, column: null },
  };
};
