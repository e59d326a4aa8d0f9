import { Arg, Args, Ctx, FieldResolver, ID, Query, Resolver, Root } from 'type-graphql';
import type { ModelId, ModelVersionId, ScenarioId } from '../../contracts';
import { Scope } from '../api/access';
import { PageArgs, idArgument, pageRequest, toConnection } from '../api/connection';
import type { Connection } from '../api/connection';
import type { ApiContext } from '../api/context';
import type { Registry } from './registry.service';
import {
  ModelConnection,
  ModelType,
  ModelVersionConnection,
  ModelVersionType,
  toModel,
  toModelVersion,
} from './registry.types';

@Resolver(() => ModelType)
export class ModelResolver {
  constructor(private readonly registry: Registry) {}

  @Scope('read')
  @Query(() => ModelType)
  async model(@Ctx() api: ApiContext, @Arg('id', () => ID) id: string): Promise<ModelType> {
    return toModel(await this.registry.getModel(api.tenant, idArgument<ModelId>(id, 'model')));
  }

  @Scope('read')
  @Query(() => ModelConnection)
  async models(
    @Ctx() api: ApiContext,
    @Args(() => PageArgs) page: PageArgs,
    @Arg('scenarioId', () => ID, { nullable: true }) scenarioId?: string | null,
  ): Promise<Connection<ModelType>> {
    const request = pageRequest(page);
    const scenario = scenarioId == null ? null : idArgument<ScenarioId>(scenarioId, 'scenario');
    return toConnection(await this.registry.listModels(api.tenant, scenario, request), request, toModel);
  }

  @FieldResolver(() => ModelVersionConnection)
  async versions(
    @Ctx() api: ApiContext,
    @Root() model: ModelType,
    @Args(() => PageArgs) page: PageArgs,
  ): Promise<Connection<ModelVersionType>> {
    const request = pageRequest(page);
    const versions = await this.registry.listVersions(api.tenant, model.id as ModelId, request);
    return toConnection(versions, request, toModelVersion);
  }
}

@Resolver(() => ModelVersionType)
export class ModelVersionResolver {
  constructor(private readonly registry: Registry) {}

  @Scope('read')
  @Query(() => ModelVersionType)
  async modelVersion(@Ctx() api: ApiContext, @Arg('id', () => ID) id: string): Promise<ModelVersionType> {
    const version = await this.registry.getVersion(
      api.tenant,
      idArgument<ModelVersionId>(id, 'model version'),
    );
    return toModelVersion(version);
  }

  @FieldResolver(() => String, { description: 'Gives the ONNX file to whoever has it, for 15 minutes.' })
  async downloadUrl(@Ctx() api: ApiContext, @Root() version: ModelVersionType): Promise<string> {
    return this.registry.downloadUrl(
      await this.registry.getVersion(api.tenant, version.id as ModelVersionId),
    );
  }

  @FieldResolver(() => String, {
    description:
      'Some held-out rows with the answers of the model and what was true, as JSON, for 15 minutes.',
  })
  async goldenUrl(@Ctx() api: ApiContext, @Root() version: ModelVersionType): Promise<string> {
    return this.registry.goldenUrl(await this.registry.getVersion(api.tenant, version.id as ModelVersionId));
  }

  @FieldResolver(() => String, {
    nullable: true,
    description:
      'The evaluation report of the held-out rows (docs/evaluation.md), as JSON, for 15 minutes. Null: trained before there were reports.',
  })
  async evaluationUrl(@Ctx() api: ApiContext, @Root() version: ModelVersionType): Promise<string | null> {
    return this.registry.evaluationUrl(
      await this.registry.getVersion(api.tenant, version.id as ModelVersionId),
    );
  }

  @FieldResolver(() => String, {
    nullable: true,
    description: 'The model card made from the report, as Markdown, for 15 minutes.',
  })
  async cardUrl(@Ctx() api: ApiContext, @Root() version: ModelVersionType): Promise<string | null> {
    return this.registry.cardUrl(await this.registry.getVersion(api.tenant, version.id as ModelVersionId));
  }
}
