import {
  Arg,
  Args,
  Ctx,
  FieldResolver,
  ID,
  Int,
  Mutation,
  Query,
  Resolver,
  Root,
  Subscription,
} from 'type-graphql';
import type { DatasetVersionId, JobId, ModelVersionId, ScenarioId } from '../../contracts';
import { EventsFrom, Scope, byEventSource } from '../api/access';
import { PageArgs, idArgument, pageRequest, toConnection } from '../api/connection';
import type { Connection } from '../api/connection';
import type { ApiContext } from '../api/context';
import { Json } from '../api/scalars';
import type { Commands } from '../platform/command';
import { EpochType, ModelVersionType, toEpoch, toModelVersion } from '../registry';
import type { Registry } from '../registry';
import type { JobUpdate } from './job-progress';
import type { TrainingService } from './training.service';
import {
  JobConnection,
  JobProgressType,
  JobType,
  QuoteTrainingInput,
  StartTrainingInput,
  TrainingBudgetInput,
  TrainingQuoteType,
  TrialType,
  toJob,
  toJobProgress,
  toTrial,
} from './training.types';

const jobId = (id: string): JobId => idArgument(id, 'job');

@Resolver(() => JobType)
export class JobResolver {
  constructor(
    private readonly training: TrainingService,
    private readonly registry: Registry,
    private readonly commands: Commands,
  ) {}

  @Scope('read')
  @Query(() => JobType)
  async job(@Ctx() api: ApiContext, @Arg('id', () => ID) id: string): Promise<JobType> {
    return toJob(await this.training.get(api.tenant, jobId(id)));
  }

  @Scope('read')
  @Query(() => JobConnection)
  async jobs(
    @Ctx() api: ApiContext,
    @Args(() => PageArgs) page: PageArgs,
    @Arg('scenarioId', () => ID, { nullable: true }) scenarioId?: string | null,
  ): Promise<Connection<JobType>> {
    const request = pageRequest(page);
    const scenario = scenarioId == null ? null : idArgument<ScenarioId>(scenarioId, 'scenario');
    return toConnection(await this.training.list(api.tenant, scenario, request), request, toJob);
  }

  @Scope('read')
  @Query(() => TrainingQuoteType, {
    description:
      'What startTraining with the same input would probably take, cost and reach; starts nothing.',
  })
  async quoteTraining(
    @Ctx() api: ApiContext,
    @Arg('input', () => QuoteTrainingInput) input: QuoteTrainingInput,
  ): Promise<TrainingQuoteType> {
    const datasetVersionId = idArgument<DatasetVersionId>(input.datasetVersionId, 'dataset version');
    return this.training.quote(api.tenant, { ...input, datasetVersionId });
  }

  @FieldResolver(() => [EpochType], { description: 'Every epoch so far.' })
  async history(@Ctx() api: ApiContext, @Root() job: JobType): Promise<EpochType[]> {
    return (await this.training.history(api.tenant, job.id as JobId)).map(toEpoch);
  }

  @FieldResolver(() => [TrialType], {
    description: 'What an automatic training tried: who saw most first, and of those the best.',
  })
  async leaderboard(@Ctx() api: ApiContext, @Root() job: JobType): Promise<TrialType[]> {
    return (await this.training.leaderboard(api.tenant, job.id as JobId)).map(toTrial);
  }

  @FieldResolver(() => ModelVersionType, { nullable: true })
  async modelVersion(@Ctx() api: ApiContext, @Root() job: JobType): Promise<ModelVersionType | null> {
    if (job.modelVersionId === null) return null;
    return toModelVersion(await this.registry.getVersion(api.tenant, job.modelVersionId as ModelVersionId));
  }

  @Scope('train')
  @Mutation(() => JobType)
  async startTraining(
    @Ctx() api: ApiContext,
    @Arg('input', () => StartTrainingInput) input: StartTrainingInput,
  ): Promise<JobType> {
    const { tenant } = api;
    const datasetVersionId = idArgument<DatasetVersionId>(input.datasetVersionId, 'dataset version');
    const job = await this.commands.run(
      tenant,
      { operation: 'startTraining', target: datasetVersionId },
      (tx) => this.training.start(tenant, tx, { ...input, datasetVersionId }),
    );
    return toJob(job);
  }

  @Scope('train')
  @Mutation(() => JobType)
  async cancelJob(@Ctx() api: ApiContext, @Arg('id', () => ID) id: string): Promise<JobType> {
    const { tenant } = api;
    const target = jobId(id);
    const job = await this.commands.run(tenant, { operation: 'cancelJob', target }, (tx) =>
      this.training.cancel(tenant, tx, target),
    );
    return toJob(job);
  }

  @Scope('train')
  @Mutation(() => JobType, {
    description:
      'Old rows and feedback become a new dataset version, and the new model is compared with the current one.',
  })
  async retrain(
    @Ctx() api: ApiContext,
    @Arg('scenarioId', () => ID) scenarioId: string,
    @Arg('spec', () => Json, { nullable: true }) spec?: unknown,
    @Arg('seed', () => Int, { nullable: true }) seed?: number | null,
    @Arg('budget', () => TrainingBudgetInput, {
      nullable: true,
      description: 'As in startTraining; joining the rows is not part of it.',
    })
    budget?: TrainingBudgetInput | null,
  ): Promise<JobType> {
    const { tenant } = api;
    const target = idArgument<ScenarioId>(scenarioId, 'scenario');
    const job = await this.commands.run(tenant, { operation: 'retrain', target }, (tx) =>
      this.training.retrain(tenant, tx, { scenarioId: target, spec, seed, budget }),
    );
    return toJob(job);
  }

  @Scope('read')
  @EventsFrom(
    () => JobResolver,
    (resolver: JobResolver, args: { jobId: string }, api) => resolver.follow(args.jobId, api),
  )
  @Subscription(() => JobProgressType, { subscribe: byEventSource })
  jobProgress(@Root() update: JobUpdate, @Arg('jobId', () => ID) _jobId: string): JobProgressType {
    return toJobProgress(update);
  }

  /** Refuses what is not there before anything is streamed. */
  async follow(id: string, api: ApiContext): Promise<AsyncIterable<JobUpdate>> {
    await this.training.get(api.tenant, jobId(id));
    return this.training.progress(api.tenant, jobId(id));
  }
}
