import { Arg, Args, Ctx, ID, Int, Mutation, Query, Resolver } from 'type-graphql';
import { idArgument, PageArgs, pageRequest, Scope, toConnection } from '../api';
import type { ApiContext, Connection } from '../api';
import type { ApiKeyId } from '../../contracts';
import type { Commands } from '../platform/command';
import type { Scope as ScopeName } from '../platform/context';
import type { ApiKeyService } from './api-key.service';
import { ApiKeyConnection, ApiKeyType, CreatedApiKeyType, ScopeEnum } from './tenant.types';

@Resolver()
export class ApiKeyResolver {
  constructor(
    private readonly service: ApiKeyService,
    private readonly commands: Commands,
  ) {}

  @Query(() => ApiKeyConnection)
  @Scope('admin')
  async apiKeys(
    @Ctx() api: ApiContext,
    @Args(() => PageArgs) page: PageArgs,
  ): Promise<Connection<ApiKeyType>> {
    const request = pageRequest(page);
    return toConnection(await this.service.list(api.tenant, request), request, (key) => key);
  }

  @Mutation(() => CreatedApiKeyType)
  @Scope('admin')
  createApiKey(
    @Ctx() api: ApiContext,
    @Arg('name') name: string,
    @Arg('scopes', () => [ScopeEnum]) scopes: ScopeName[],
    @Arg('expiresAt', () => Date, { nullable: true }) expiresAt: Date | null,
  ): Promise<CreatedApiKeyType> {
    return this.commands.run(api.tenant, { operation: 'createApiKey' }, (tx) =>
      this.service.create(api.tenant, tx, { name, scopes, expiresAt: expiresAt ?? null }),
    );
  }

  @Mutation(() => CreatedApiKeyType, {
    description: 'A new key with the same rights; the old one works on for a while.',
  })
  @Scope('admin')
  rotateApiKey(
    @Ctx() api: ApiContext,
    @Arg('id', () => ID) id: string,
    @Arg('overlapHours', () => Int, { defaultValue: 24 }) overlapHours: number,
  ): Promise<CreatedApiKeyType> {
    const key = idArgument<ApiKeyId>(id, 'API key');
    return this.commands.run(api.tenant, { operation: 'rotateApiKey', target: key }, (tx) =>
      this.service.rotate(api.tenant, tx, key, overlapHours),
    );
  }

  @Mutation(() => ApiKeyType, { description: 'Refused everywhere within a second.' })
  @Scope('admin')
  revokeApiKey(@Ctx() api: ApiContext, @Arg('id', () => ID) id: string): Promise<ApiKeyType> {
    const key = idArgument<ApiKeyId>(id, 'API key');
    return this.commands.run(api.tenant, { operation: 'revokeApiKey', target: key }, (tx) =>
      this.service.revoke(api.tenant, tx, key),
    );
  }
}
