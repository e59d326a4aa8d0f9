import { LessThan } from 'typeorm';
import { Failure } from '../../contracts';
import type { TenantId } from '../../contracts';
import type { TenantContext } from '../platform/context';
import type { Database, PlatformTx } from '../platform/database';
import { newId } from '../platform/ids';
import { toPage } from '../platform/page';
import type { Page, PageRequest } from '../platform/page';
import { insertInvitation, parseEmail, parseName } from './member.service';
import type { InvitationSecret } from './member.service';
import { AuditEvent, Tenant } from './tenant.entity';

export interface CreatedTenant {
  readonly id: TenantId;
  readonly name: string;
  readonly timeZone: string;
  readonly createdAt: Date;
  readonly invitation: InvitationSecret;
}

const parseTimeZone = (text: string): string => {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone;
  } catch {
    throw new Failure('BAD_INPUT', 'unknown time zone', {
      path: ['timeZone'],
      hint: 'an IANA name, such as Europe/Berlin',
    });
  }
};

/** Customers of the installation, and what was done in each. */
export class TenantService {
  constructor(private readonly db: Database) {}

  async get(ctx: TenantContext): Promise<Tenant> {
    const tenant = await this.db.within(ctx, (tx) => tx.findOneBy(Tenant, { id: ctx.tenantId }));
    if (tenant === null) throw new Failure('NOT_FOUND', 'no such tenant');
    return tenant;
  }

  /** Of the whole installation; for the operator. */
  async list(page: PageRequest): Promise<Page<Tenant>> {
    const rows = await this.db.asPlatform('list tenants for the operator', (tx) =>
      tx.find(Tenant, {
        ...(page.after === null ? {} : { where: { id: LessThan(page.after as TenantId) } }),
        order: { id: 'desc' },
        take: page.limit + 1,
      }),
    );
    return toPage(rows, page);
  }

  /** A tenant and the invitation of its first owner. */
  async create(
    tx: PlatformTx,
    input: { name: string; ownerEmail: string; timeZone?: string | null },
  ): Promise<CreatedTenant> {
    const email = parseEmail(input.ownerEmail);
    const tenant = await insertTenant(tx, parseName(input.name), parseTimeZone(input.timeZone ?? 'UTC'));
    const invitation = await insertInvitation(tx, tenant.id, email, 'owner', new Date());
    return {
      id: tenant.id,
      name: tenant.name,
      timeZone: tenant.timeZone,
      createdAt: tenant.createdAt,
      invitation,
    };
  }

  async auditEvents(ctx: TenantContext, page: PageRequest): Promise<Page<AuditEvent>> {
    const rows = await this.db.within(ctx, (tx) =>
      tx.find(AuditEvent, {
        ...(page.after === null ? {} : { where: { id: LessThan(page.after) } }),
        order: { id: 'desc' },
        take: page.limit + 1,
      }),
    );
    return toPage(rows, page);
  }
}

export const insertTenant = async (tx: PlatformTx, name: string, timeZone: string): Promise<Tenant> => {
  const id = newId<TenantId>();
  await tx.query('insert into app.tenant (tenant_id, name, time_zone) values ($1, $2, $3)', [
    id,
    name,
    timeZone,
  ]);
  return tx.findOneByOrFail(Tenant, { id });
};
