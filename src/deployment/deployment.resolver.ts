import { Arg, Args, Ctx, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import type { DeploymentId, ModelVersionId, ScenarioId } from '../../contracts';
import { Scope } from '../api/access';
import { PageArgs, idArgument, pageRequest, toConnection } from '../api/connection';
import type { Connection } from '../api/connection';
import type { ApiContext } from '../api/context';
import type { Commands } from '../platform/command';
import type { Deployments } from './deployment.service';
import {
  DeploymentConnection,
  DeploymentRevisionType,
  DeploymentType,
  toDeployment,
  toRevision,
} from './deployment.types';

@Resolver(() => DeploymentType)
export class DeploymentResolver {
  constructor(
    private readonly deployments: Deployments,
    private readonly commands: Commands,
  ) {}

  @Scope('deploy')
  @Mutation(() => DeploymentType, {
    description:
      'Puts a model version behind a name. An existing name moves to it and keeps its id; until the golden rows are answered as recorded, what answered before goes on.',
  })
  async deployModel(
    @Ctx() api: ApiContext,
    @Arg('modelVersionId', () => ID) modelVersionId: string,
    @Arg('name') name: string,
  ): Promise<DeploymentType> {
    const version = idArgument<ModelVersionId>(modelVersionId, 'model version');
    const { id } = await this.commands.run(api.tenant, { operation: 'deployModel' }, (tx) =>
      this.deployments.deploy(api.tenant, tx, { modelVersionId: version, name }),
    );
    return toDeployment(await this.deployments.settled(api.tenant, id));
  }

  @Scope('deploy')
  @Mutation(() => DeploymentType, {
    description: 'Nothing answers at the address any more; deployModel revives it.',
  })
  async stopDeployment(@Ctx() api: ApiContext, @Arg('id', () => ID) id: string): Promise<DeploymentType> {
    const deploymentId = idArgument<DeploymentId>(id, 'deployment');
    return toDeployment(
      await this.commands.run(api.tenant, { operation: 'stopDeployment', target: deploymentId }, (tx) =>
        this.deployments.stop(api.tenant, tx, deploymentId),
      ),
    );
  }

  @Scope('read')
  @Query(() => DeploymentType)
  async deployment(@Ctx() api: ApiContext, @Arg('id', () => ID) id: string): Promise<DeploymentType> {
    return toDeployment(await this.deployments.get(api.tenant, idArgument<DeploymentId>(id, 'deployment')));
  }

  @Scope('read')
  @Query(() => DeploymentConnection, { name: 'deployments' })
  async list(
    @Ctx() api: ApiContext,
    @Args(() => PageArgs) page: PageArgs,
    @Arg('scenarioId', () => ID, { nullable: true }) scenarioId?: string | null,
  ): Promise<Connection<DeploymentType>> {
    const request = pageRequest(page);
    const scenario = scenarioId == null ? null : idArgument<ScenarioId>(scenarioId, 'scenario');
    return toConnection(await this.deployments.list(api.tenant, scenario, request), request, toDeployment);
  }

  @FieldResolver(() => [DeploymentRevisionType], { description: 'Newest first, the last hundred.' })
  async revisions(
    @Ctx() api: ApiContext,
    @Root() deployment: DeploymentType,
  ): Promise<DeploymentRevisionType[]> {
    return (await this.deployments.revisions(api.tenant, deployment.id as DeploymentId)).map(toRevision);
  }
}
