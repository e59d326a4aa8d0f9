import { Failure } from '../../contracts';
import type { MemberId, TenantId } from '../../contracts';
import { ROLE_SCOPES } from '../platform/context';
import type { Credential, Principal, Role } from '../platform/context';
import type { Database, TenantTx } from '../platform/database';
import { newId } from '../platform/ids';
import type { LoginGuard } from './login-guard';
import type { Passwords } from './password';
import { hashSecret, isToken, mintToken } from './token';

export const SESSION = { idleMinutes: 30, absoluteHours: 12 } as const;

export interface Person {
  readonly tenantId: TenantId;
  readonly memberId: MemberId;
  readonly principal: Principal;
}

export interface OpenedSession {
  readonly id: string;
  readonly memberId: MemberId;
  readonly token: string;
}

interface FoundMember {
  tenant_id: TenantId;
  id: MemberId;
  role: Role;
  password_hash: string;
}

const principalOf = (id: MemberId, role: Role): Principal => ({
  kind: 'member',
  id,
  role,
  scopes: ROLE_SCOPES[role],
});

/** Members log in with e-mail and password and get an opaque session. */
export class SessionService {
  constructor(
    private readonly db: Database,
    private readonly passwords: Passwords,
    private readonly guard: LoginGuard,
  ) {}

  /** Who this is, or UNAUTHENTICATED; the same answer and the same work whatever is wrong. */
  async verify(input: { email: string; password: string }, address: string): Promise<Person> {
    const email = input.email.trim().toLowerCase().slice(0, 254);
    const attempt = await this.guard.attempt(email, address);
    // One person may be in several tenants, with different passwords; the first that fits is it.
    const members = await this.db.asPlatform('log a member in', (tx) =>
      tx.query<FoundMember[]>(
        `select tenant_id, id, role, password_hash from app.member
          where email = $1 and removed_at is null order by id limit 5`,
        [email],
      ),
    );
    for (const candidate of members.length === 0 ? [null] : members) {
      const right = await this.passwords.verify(candidate?.password_hash ?? null, input.password);
      if (!right || candidate === null) continue;
      await this.guard.succeeded(attempt);
      const { tenant_id: tenantId, id: memberId, role } = candidate;
      return { tenantId, memberId, principal: principalOf(memberId, role) };
    }
    throw new Failure('UNAUTHENTICATED', 'e-mail or password is wrong');
  }

  async open(tx: TenantTx, person: Person): Promise<OpenedSession> {
    const session = { id: newId(), memberId: person.memberId, token: mintToken('mms') };
    await tx.query('insert into app.session (tenant_id, id, member_id, token_hash) values ($1, $2, $3, $4)', [
      person.tenantId,
      session.id,
      person.memberId,
      hashSecret(session.token),
    ]);
    return session;
  }

  /** The credential of a session cookie; UNAUTHENTICATED when it ended, idled out or its member was removed. */
  async credential(token: string): Promise<Credential> {
    const [row] = isToken('mms', token) ? await this.find(hashSecret(token)) : [];
    if (row === undefined) {
      throw new Failure('UNAUTHENTICATED', 'the session has ended', { hint: 'log in again' });
    }
    return { tenantId: row.tenant_id, principal: principalOf(row.member_id, row.role), sessionId: row.id };
  }

  private find(
    tokenHash: Buffer,
  ): Promise<{ tenant_id: TenantId; id: string; member_id: MemberId; role: Role }[]> {
    return this.db.asPlatform('look a session up', async (tx) => {
      const rows = await tx.query<
        { tenant_id: TenantId; id: string; member_id: MemberId; role: Role; stale: boolean }[]
      >(
        `select s.tenant_id, s.id, s.member_id, m.role, s.seen_at < now() - interval '1 minute' as stale
           from app.session s join app.member m on m.tenant_id = s.tenant_id and m.id = s.member_id
          where s.token_hash = $1 and s.ended_at is null and m.removed_at is null
            and s.seen_at > now() - interval '${SESSION.idleMinutes} minutes'
            and s.created_at > now() - interval '${SESSION.absoluteHours} hours'`,
        [tokenHash],
      );
      if (rows[0]?.stale === true) {
        await tx.query('update app.session set seen_at = now() where token_hash = $1', [tokenHash]);
      }
      return rows;
    });
  }

  async close(tx: TenantTx, sessionId: string): Promise<void> {
    await tx.query('update app.session set ended_at = coalesce(ended_at, now()) where id = $1', [sessionId]);
  }
}
