import { Arg, Args, Ctx, Mutation, Query, Resolver } from 'type-graphql';
import { Authenticated, OperatorOnly, PageArgs, pageRequest, Scope, toConnection } from '../api';
import type { ApiContext, Connection } from '../api';
import { Failure } from '../../contracts';
import type { Commands } from '../platform/command';
import type { MemberService } from './member.service';
import type { Member, Tenant } from './tenant.entity';
import type { CreatedTenant, TenantService } from './tenant.service';
import {
  AuditEventConnection,
  AuditEventType,
  CreatedTenantType,
  Me,
  TenantConnection,
  TenantType,
} from './tenant.types';
import type { InvitationLinks } from './invitation-link';

@Resolver()
export class TenantResolver {
  constructor(
    private readonly service: TenantService,
    private readonly members: MemberService,
    private readonly commands: Commands,
    private readonly links: InvitationLinks,
  ) {}

  @Query(() => Me)
  @Authenticated()
  async me(@Ctx() api: ApiContext): Promise<Me> {
    const { principal } = api.credential;
    if (principal.kind === 'system') throw new Failure('INTERNAL', 'the platform does not ask itself');
    const { kind, id, scopes } = principal;
    const asked = { kind, id, scopes: [...scopes] };
    if (kind === 'operator') return { ...asked, tenant: null, member: null };
    const member: Member | null =
      kind === 'member' ? await this.members.find(api.tenant, principal.id) : null;
    return { ...asked, tenant: await this.service.get(api.tenant), member };
  }

  @Query(() => TenantType)
  @Scope('read')
  tenant(@Ctx() api: ApiContext): Promise<Tenant> {
    return this.service.get(api.tenant);
  }

  @Query(() => TenantConnection, { description: 'All tenants of the installation.' })
  @OperatorOnly()
  async tenants(
    @Ctx() api: ApiContext,
    @Args(() => PageArgs) page: PageArgs,
  ): Promise<Connection<TenantType>> {
    api.operator();
    const request = pageRequest(page);
    return toConnection(await this.service.list(request), request, (tenant) => tenant);
  }

  @Query(() => AuditEventConnection, {
    description: 'Every change that was made in the tenant, newest first.',
  })
  @Scope('admin')
  async auditEvents(
    @Ctx() api: ApiContext,
    @Args(() => PageArgs) page: PageArgs,
  ): Promise<Connection<AuditEventType>> {
    const request = pageRequest(page);
    return toConnection(await this.service.auditEvents(api.tenant, request), request, (event) => event);
  }

  @Mutation(() => CreatedTenantType, { description: 'A new tenant, and the invitation of its first owner.' })
  @OperatorOnly()
  async createTenant(
    @Ctx() api: ApiContext,
    @Arg('name') name: string,
    @Arg('ownerEmail') ownerEmail: string,
    @Arg('timeZone', () => String, { nullable: true }) timeZone: string | null,
  ): Promise<CreatedTenantType> {
    const { invitation, ...tenant } = await this.commands.runAsPlatform(
      api.operator(),
      { operation: 'createTenant', reason: 'make a tenant', tenantOf: (made: CreatedTenant) => made.id },
      (tx) => this.service.create(tx, { name, ownerEmail, timeZone }),
    );
    return { tenant, invitation: this.links.with(invitation) };
  }
}
