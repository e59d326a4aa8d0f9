import { z } from 'zod';
import { Failure, oneOf } from '../../contracts';
import type { MemberId, TenantId } from '../../contracts';
import { IsNull, LessThan } from 'typeorm';
import { ROLES } from '../platform/context';
import type { Role, TenantContext } from '../platform/context';
import type { Database, PlatformTx, TenantTx } from '../platform/database';
import { newId } from '../platform/ids';
import { toPage } from '../platform/page';
import type { Page, PageRequest } from '../platform/page';
import type { Passwords } from './password';
import { Member } from './tenant.entity';
import { hashSecret, isToken, mintToken } from './token';

export interface InvitationSecret {
  readonly id: string;
  readonly email: string;
  readonly role: Role;
  readonly expiresAt: Date;
  /** Shown once. */
  readonly token: string;
}

const INVITATION_MS = 7 * 24 * 3600 * 1000;

const Email = z.string().trim().toLowerCase().max(254).email();

export const parseEmail = (text: string): string => {
  const parsed = Email.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new Failure('BAD_INPUT', 'this is not an e-mail address', { path: ['email'] });
};

export const parseName = (text: string, path = 'name'): string => {
  const name = text.trim();
  if (name.length < 1 || name.length > 200) {
    throw new Failure('BAD_INPUT', `${path} must have 1 to 200 characters`, { path: [path] });
  }
  return name;
};

const parseRole = (text: string): Role => {
  const role = ROLES.find((known) => known === text);
  if (role === undefined) throw new Failure('BAD_INPUT', oneOf('role', text, ROLES), { path: ['role'] });
  return role;
};

/** In any transaction that may write invitations: the operator's when a tenant is made, a tenant's later. */
export const insertInvitation = async (
  tx: TenantTx | PlatformTx,
  tenantId: TenantId,
  email: string,
  role: Role,
  now: Date,
): Promise<InvitationSecret> => {
  const token = mintToken('mmi');
  const invitation = { id: newId(), email, role, expiresAt: new Date(now.getTime() + INVITATION_MS), token };
  await tx.query(
    `insert into app.invitation (tenant_id, id, email, role, token_hash, expires_at) values ($1, $2, $3, $4, $5, $6)`,
    [tenantId, invitation.id, email, role, hashSecret(token), invitation.expiresAt],
  );
  return invitation;
};

/** People of a tenant: invited, with a role, removed. */
export class MemberService {
  constructor(
    private readonly db: Database,
    private readonly passwords: Passwords,
  ) {}

  async list(ctx: TenantContext, page: PageRequest): Promise<Page<Member>> {
    const rows = await this.db.within(ctx, (tx) =>
      tx.find(Member, {
        where: {
          removedAt: IsNull(),
          ...(page.after === null ? {} : { id: LessThan(page.after as MemberId) }),
        },
        order: { id: 'desc' },
        take: page.limit + 1,
      }),
    );
    return toPage(rows, page);
  }

  async find(ctx: TenantContext, id: MemberId): Promise<Member | null> {
    return this.db.within(ctx, (tx) => tx.findOneBy(Member, { id }));
  }

  async invite(
    ctx: TenantContext,
    tx: TenantTx,
    input: { email: string; role: string },
  ): Promise<InvitationSecret> {
    const role = parseRole(input.role);
    const email = parseEmail(input.email);
    onlyOwnersMakeOwners(ctx, role);
    if (await tx.findOneBy(Member, { email, removedAt: IsNull() })) {
      throw new Failure('CONFLICT', 'this person is a member already', { path: ['email'] });
    }
    return insertInvitation(tx, ctx.tenantId, email, role, new Date());
  }

  /** The invitation that a token opens: which tenant it is of. The same answer for a wrong and for an unknown one. */
  async invitation(token: string): Promise<{ id: string; tenantId: TenantId }> {
    const [row] = isToken('mmi', token)
      ? await this.db.asPlatform('open an invitation', (tx) =>
          tx.query<{ id: string; tenant_id: TenantId }[]>(
            'select id, tenant_id from app.invitation where token_hash = $1',
            [hashSecret(token)],
          ),
        )
      : [];
    if (row === undefined) throw new Failure('NOT_FOUND', 'no such invitation');
    return { id: row.id, tenantId: row.tenant_id };
  }

  /** Hash first, outside the transaction: it takes long. */
  hashPassword(password: string): Promise<string> {
    return this.passwords.hash(password);
  }

  async accept(
    ctx: TenantContext,
    tx: TenantTx,
    input: { invitationId: string; name: string; passwordHash: string },
  ): Promise<Member> {
    const [invitation] = await tx.query<
      { email: string; role: Role; used_at: Date | null; expired: boolean }[]
    >(
      'select email, role, used_at, expires_at <= now() as expired from app.invitation where id = $1 for update',
      [input.invitationId],
    );
    if (invitation === undefined) throw new Failure('NOT_FOUND', 'no such invitation');
    if (invitation.used_at !== null) throw new Failure('STATE_CONFLICT', 'this invitation was used already');
    if (invitation.expired) {
      throw new Failure('STATE_CONFLICT', 'this invitation has expired', { hint: 'ask for a new one' });
    }
    await tx.query('update app.invitation set used_at = now() where id = $1', [input.invitationId]);
    // Whoever was removed and is invited again keeps the old id: the audit record goes on.
    const [row] = await tx.query<{ id: MemberId }[]>(
      `insert into app.member (tenant_id, id, email, name, role, password_hash) values ($1, $2, $3, $4, $5, $6)
       on conflict (tenant_id, email) do update
         set name = excluded.name, role = excluded.role, password_hash = excluded.password_hash, removed_at = null
       returning id`,
      [ctx.tenantId, newId(), invitation.email, parseName(input.name), invitation.role, input.passwordHash],
    );
    if (row === undefined) throw new Failure('INTERNAL', 'a member was not stored');
    return this.get(tx, row.id);
  }

  async setRole(ctx: TenantContext, tx: TenantTx, id: MemberId, roleText: string): Promise<Member> {
    const role = parseRole(roleText);
    const member = await this.get(tx, id);
    onlyOwnersMakeOwners(ctx, role);
    if (member.role === 'owner' && role !== 'owner') await this.lastOwnerStays(ctx, tx);
    await tx.query('update app.member set role = $2 where id = $1', [id, role]);
    return this.get(tx, id);
  }

  /** Ends the member's sessions too. */
  async remove(ctx: TenantContext, tx: TenantTx, id: MemberId): Promise<Member> {
    const member = await this.get(tx, id);
    if (member.role === 'owner') await this.lastOwnerStays(ctx, tx);
    await tx.query('update app.member set removed_at = now() where id = $1', [id]);
    await tx.query('update app.session set ended_at = now() where member_id = $1 and ended_at is null', [id]);
    return member;
  }

  private async get(tx: TenantTx, id: MemberId): Promise<Member> {
    const member = await tx.findOneBy(Member, { id, removedAt: IsNull() });
    if (member === null) throw new Failure('NOT_FOUND', 'no such member');
    return member;
  }

  private async lastOwnerStays(ctx: TenantContext, tx: TenantTx): Promise<void> {
    onlyOwnersMakeOwners(ctx, 'owner');
    // Locks all owners: two who leave at once cannot both find the other still there.
    const owners = await tx.query<unknown[]>(
      `select 1 from app.member where role = 'owner' and removed_at is null for update`,
    );
    if (owners.length <= 1) {
      throw new Failure('STATE_CONFLICT', 'a tenant keeps at least one owner', {
        hint: 'make another member owner first',
      });
    }
  }
}

/** An admin may not raise anybody, themself included, above an admin. API keys act with the rights of an owner. */
const onlyOwnersMakeOwners = (ctx: TenantContext, role: Role): void => {
  if (role === 'owner' && ctx.principal.kind === 'member' && ctx.principal.role !== 'owner') {
    throw new Failure('FORBIDDEN', 'only an owner may do this to an owner');
  }
};
