import { Arg, Args, Ctx, ID, Mutation, Query, Resolver } from 'type-graphql';
import type { ScenarioId } from '../../contracts';
import { idArgument, PageArgs, pageRequest, Scope, toConnection } from '../api';
import type { ApiContext, Connection } from '../api';
import type { Commands } from '../platform/command';
import type { ScenarioService } from './scenario.service';
import {
  CreateScenarioInput,
  ScenarioConnection,
  ScenarioTemplateType,
  ScenarioType,
  toScenarioType,
  UpdateScenarioInput,
} from './scenario.types';
import { SCENARIO_TEMPLATES } from './templates';

@Resolver()
export class ScenarioResolver {
  constructor(
    private readonly service: ScenarioService,
    private readonly commands: Commands,
  ) {}

  @Query(() => ScenarioType)
  @Scope('read')
  async scenario(@Ctx() api: ApiContext, @Arg('id', () => ID) id: string): Promise<ScenarioType> {
    return toScenarioType(await this.service.get(api.tenant, idArgument<ScenarioId>(id, 'scenario')));
  }

  @Query(() => ScenarioConnection)
  @Scope('read')
  async scenarios(
    @Ctx() api: ApiContext,
    @Args(() => PageArgs) page: PageArgs,
  ): Promise<Connection<ScenarioType>> {
    const request = pageRequest(page);
    return toConnection(await this.service.list(api.tenant, request), request, toScenarioType);
  }

  @Query(() => [ScenarioTemplateType], { description: 'Business uses to start from.' })
  @Scope('read')
  scenarioTemplates(): readonly ScenarioTemplateType[] {
    return SCENARIO_TEMPLATES;
  }

  @Mutation(() => ScenarioType)
  @Scope('train')
  async createScenario(
    @Ctx() api: ApiContext,
    @Arg('input', () => CreateScenarioInput) input: CreateScenarioInput,
  ): Promise<ScenarioType> {
    return toScenarioType(
      await this.commands.run(api.tenant, { operation: 'createScenario' }, (tx) =>
        this.service.create(api.tenant, tx, input),
      ),
    );
  }

  @Mutation(() => ScenarioType)
  @Scope('train')
  async updateScenario(
    @Ctx() api: ApiContext,
    @Arg('id', () => ID) id: string,
    @Arg('input', () => UpdateScenarioInput) input: UpdateScenarioInput,
  ): Promise<ScenarioType> {
    const target = idArgument<ScenarioId>(id, 'scenario');
    return toScenarioType(
      await this.commands.run(api.tenant, { operation: 'updateScenario', target }, (tx) =>
        this.service.update(api.tenant, tx, target, input),
      ),
    );
  }

  @Mutation(() => ScenarioType, { description: 'Nothing new can hang on it then. Cannot be undone.' })
  @Scope('train')
  async archiveScenario(@Ctx() api: ApiContext, @Arg('id', () => ID) id: string): Promise<ScenarioType> {
    const target = idArgument<ScenarioId>(id, 'scenario');
    return toScenarioType(
      await this.commands.run(api.tenant, { operation: 'archiveScenario', target }, (tx) =>
        this.service.archive(api.tenant, tx, target),
      ),
    );
  }
}
