import {
  Arg,
  Args,
  Ctx,
  FieldResolver,
  ID,
  Mutation,
  Query,
  Resolver,
  Root,
  Subscription,
} from 'type-graphql';
import type { DatasetId, DatasetVersionId, ScenarioId } from '../../contracts';
import { EventsFrom, Scope, byEventSource } from '../api/access';
import { PageArgs, idArgument, pageRequest, toConnection } from '../api/connection';
import type { Connection } from '../api/connection';
import type { ApiContext } from '../api/context';
import type { Commands } from '../platform/command';
import { parseDeclaration } from './declaration';
import type { DatasetProgress, DatasetService } from './dataset.service';
import {
  DatasetConnection,
  DatasetProgressType,
  DatasetType,
  DatasetVersionConnection,
  DatasetVersionType,
  DeclareDatasetInput,
  DeclaredDatasetType,
  toDataset,
  toDatasetProgress,
  toDeclared,
  toVersion,
} from './dataset.types';

const versionId = (id: string): DatasetVersionId => idArgument(id, 'dataset version');

@Resolver(() => DatasetType)
export class DatasetResolver {
  constructor(
    private readonly service: DatasetService,
    private readonly commands: Commands,
  ) {}

  @Scope('read')
  @Query(() => DatasetType)
  async dataset(@Ctx() api: ApiContext, @Arg('id', () => ID) id: string): Promise<DatasetType> {
    return toDataset(await this.service.getDataset(api.tenant, idArgument<DatasetId>(id, 'dataset')));
  }

  @Scope('read')
  @Query(() => DatasetConnection)
  async datasets(
    @Ctx() api: ApiContext,
    @Args(() => PageArgs) page: PageArgs,
    @Arg('scenarioId', () => ID, { nullable: true }) scenarioId?: string | null,
  ): Promise<Connection<DatasetType>> {
    const request = pageRequest(page);
    const scenario = scenarioId == null ? null : idArgument<ScenarioId>(scenarioId, 'scenario');
    return toConnection(await this.service.listDatasets(api.tenant, scenario, request), request, toDataset);
  }

  @FieldResolver(() => DatasetVersionConnection)
  async versions(
    @Ctx() api: ApiContext,
    @Root() dataset: DatasetType,
    @Args(() => PageArgs) page: PageArgs,
  ): Promise<Connection<DatasetVersionType>> {
    const request = pageRequest(page);
    const versions = await this.service.listVersions(api.tenant, dataset.id as DatasetId, request);
    return toConnection(versions, request, toVersion);
  }

  @Scope('read')
  @Query(() => DatasetVersionType)
  async datasetVersion(@Ctx() api: ApiContext, @Arg('id', () => ID) id: string): Promise<DatasetVersionType> {
    return toVersion(await this.service.getVersion(api.tenant, versionId(id)));
  }

  @Scope('data')
  @Mutation(() => DeclaredDatasetType)
  async declareDataset(
    @Ctx() api: ApiContext,
    @Arg('input', () => DeclareDatasetInput) input: DeclareDatasetInput,
  ): Promise<DeclaredDatasetType> {
    const { tenant } = api;
    const declaration = parseDeclaration(input);
    const declared = await this.commands.run(
      tenant,
      { operation: 'declareDataset', target: declaration.scenarioId },
      (tx) => this.service.declare(tenant, tx, declaration),
    );
    return toDeclared(declared);
  }

  @Scope('data')
  @Mutation(() => DatasetVersionType)
  async deleteDatasetVersion(
    @Ctx() api: ApiContext,
    @Arg('id', () => ID) id: string,
  ): Promise<DatasetVersionType> {
    const { tenant } = api;
    const target = versionId(id);
    const deleted = await this.commands.run(tenant, { operation: 'deleteDatasetVersion', target }, (tx) =>
      this.service.deleteVersion(tenant, tx, target),
    );
    return toVersion(deleted);
  }

  @Scope('read')
  @EventsFrom(
    () => DatasetResolver,
    (resolver: DatasetResolver, args: { versionId: string }, api) => resolver.follow(args.versionId, api),
  )
  @Subscription(() => DatasetProgressType, { subscribe: byEventSource })
  datasetProgress(
    @Root() progress: DatasetProgress,
    @Arg('versionId', () => ID) _versionId: string,
  ): DatasetProgressType {
    return toDatasetProgress(progress);
  }

  /** Refuses what is not there before anything is streamed. */
  async follow(id: string, api: ApiContext): Promise<AsyncIterable<DatasetProgress>> {
    await this.service.getVersion(api.tenant, versionId(id));
    return this.service.progress(api.tenant, versionId(id));
  }
}
