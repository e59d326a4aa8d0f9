import { Arg, Args, Ctx, ID, Mutation, Query, Resolver } from 'type-graphql';
import { Authenticated, idArgument, PageArgs, pageRequest, Public, Scope, toConnection } from '../api';
import type { ApiContext, Connection } from '../api';
import { Failure } from '../../contracts';
import type { MemberId } from '../../contracts';
import type { Commands } from '../platform/command';
import type { Role, TenantContext } from '../platform/context';
import type { InvitationLinks } from './invitation-link';
import type { MemberService } from './member.service';
import { SESSION } from './session.service';
import type { SessionService } from './session.service';
import type { TenantService } from './tenant.service';
import { InvitationType, LoginPayload, MemberConnection, MemberType, RoleEnum } from './tenant.types';

@Resolver()
export class MemberResolver {
  constructor(
    private readonly service: MemberService,
    private readonly tenants: TenantService,
    private readonly sessions: SessionService,
    private readonly commands: Commands,
    private readonly links: InvitationLinks,
  ) {}

  @Query(() => MemberConnection)
  @Scope('read')
  async members(
    @Ctx() api: ApiContext,
    @Args(() => PageArgs) page: PageArgs,
  ): Promise<Connection<MemberType>> {
    const request = pageRequest(page);
    return toConnection(await this.service.list(api.tenant, request), request, (member) => member);
  }

  @Mutation(() => InvitationType, {
    description: 'A one-time link that makes a person a member. Needs no mail server.',
  })
  @Scope('admin')
  async inviteMember(
    @Ctx() api: ApiContext,
    @Arg('email') email: string,
    @Arg('role', () => RoleEnum) role: Role,
  ): Promise<InvitationType> {
    const invitation = await this.commands.run(api.tenant, { operation: 'inviteMember' }, (tx) =>
      this.service.invite(api.tenant, tx, { email, role }),
    );
    return this.links.with(invitation);
  }

  @Mutation(() => MemberType, { description: 'Sets name and password; then log in.' })
  @Public()
  async acceptInvitation(
    @Ctx() api: ApiContext,
    @Arg('token') token: string,
    @Arg('name') name: string,
    @Arg('password') password: string,
  ): Promise<MemberType> {
    const { id: invitationId, tenantId } = await this.service.invitation(token);
    const passwordHash = await this.service.hashPassword(password);
    const ctx = strangerContext(api, tenantId, {
      kind: 'system',
      reason: `invitation ${invitationId}`,
      scopes: [],
    });
    return this.commands.run(ctx, { operation: 'acceptInvitation' }, (tx) =>
      this.service.accept(ctx, tx, { invitationId, name, passwordHash }),
    );
  }

  @Mutation(() => LoginPayload, { description: 'Sets a session cookie that scripts cannot read.' })
  @Public()
  async login(
    @Ctx() api: ApiContext,
    @Arg('email') email: string,
    @Arg('password') password: string,
  ): Promise<LoginPayload> {
    const person = await this.sessions.verify({ email, password }, api.facts.address);
    const ctx = strangerContext(api, person.tenantId, person.principal);
    const session = await this.commands.run(ctx, { operation: 'login', target: person.memberId }, (tx) =>
      this.sessions.open(tx, person),
    );
    const member = await this.service.find(ctx, person.memberId);
    if (member === null) throw new Failure('UNAUTHENTICATED', 'e-mail or password is wrong');
    api.facts.setCookie?.(session.token, SESSION.absoluteHours * 3600);
    return { member, tenant: await this.tenants.get(ctx) };
  }

  @Mutation(() => Boolean, { description: 'Ends the session of the cookie.' })
  @Authenticated()
  async logout(@Ctx() api: ApiContext): Promise<boolean> {
    const { sessionId } = api.credential;
    if (sessionId === undefined) {
      throw new Failure('STATE_CONFLICT', 'this request has no session', {
        hint: 'an API key is ended with revokeApiKey',
      });
    }
    await this.commands.run(api.tenant, { operation: 'logout', target: sessionId }, async (tx) => {
      await this.sessions.close(tx, sessionId);
      return true;
    });
    api.facts.setCookie?.('', 0);
    return true;
  }

  @Mutation(() => MemberType)
  @Scope('admin')
  setMemberRole(
    @Ctx() api: ApiContext,
    @Arg('memberId', () => ID) memberId: string,
    @Arg('role', () => RoleEnum) role: Role,
  ): Promise<MemberType> {
    const id = idArgument<MemberId>(memberId, 'member');
    return this.commands.run(api.tenant, { operation: 'setMemberRole', target: id }, (tx) =>
      this.service.setRole(api.tenant, tx, id, role),
    );
  }

  @Mutation(() => MemberType, { description: 'Ends the sessions of the member too.' })
  @Scope('admin')
  removeMember(@Ctx() api: ApiContext, @Arg('memberId', () => ID) memberId: string): Promise<MemberType> {
    const id = idArgument<MemberId>(memberId, 'member');
    return this.commands.run(api.tenant, { operation: 'removeMember', target: id }, (tx) =>
      this.service.remove(api.tenant, tx, id),
    );
  }
}

/** A caller that has no credential yet, in the tenant that what they brought leads to. */
const strangerContext = (
  api: ApiContext,
  tenantId: TenantContext['tenantId'],
  principal: TenantContext['principal'],
): TenantContext => {
  const { requestId, log, idempotency } = api.facts;
  return { tenantId, principal, requestId, log, ...(idempotency === undefined ? {} : { idempotency }) };
};
