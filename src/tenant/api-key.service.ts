import { LessThan } from 'typeorm';
import { Failure, oneOf, subject } from '../../contracts';
import type { ApiKeyId } from '../../contracts';
import { SCOPES } from '../platform/context';
import type { Scope, TenantContext } from '../platform/context';
import { afterCommit } from '../platform/database';
import type { Database, TenantTx } from '../platform/database';
import { newId } from '../platform/ids';
import type { Messaging } from '../platform/messaging';
import { toPage } from '../platform/page';
import type { Page, PageRequest } from '../platform/page';
import { parseName } from './member.service';
import { ApiKey } from './tenant.entity';
import { hashSecret, mintApiKey } from './token';

export interface CreatedApiKey {
  readonly id: ApiKeyId;
  readonly apiKey: ApiKey;
  /** `mm_<id>_<secret>`: shown once. */
  readonly secret: string;
}

/** What gateways tell each other when a credential changes; see `Credentials`. */
export interface KeyChanged {
  readonly kind: 'apiKey';
  readonly publicId: string;
}

const MOST_KEYS = 1000;
const MOST_OVERLAP_H = 24 * 30;

const parseScopes = (texts: readonly string[]): Scope[] => {
  const scopes = [...new Set(texts)].map((text) => {
    const scope = SCOPES.find((known) => known === text);
    if (scope === undefined)
      throw new Failure('BAD_INPUT', oneOf('scope', text, SCOPES), { path: ['scopes'] });
    return scope;
  });
  if (scopes.length === 0)
    throw new Failure('BAD_INPUT', 'a key needs a scope', {
      path: ['scopes'],
      hint: `of: ${SCOPES.join(', ')}`,
    });
  return scopes;
};

export const insertApiKey = async (
  tx: TenantTx,
  ctx: Pick<TenantContext, 'tenantId'>,
  input: { name: string; scopes: readonly Scope[]; expiresAt: Date | null },
): Promise<CreatedApiKey> => {
  const { publicId, key } = mintApiKey();
  const id = newId<ApiKeyId>();
  await tx.query(
    `insert into app.api_key (tenant_id, id, public_id, name, secret_hash, scopes, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7)`,
    [ctx.tenantId, id, publicId, input.name, hashSecret(key), input.scopes, input.expiresAt],
  );
  return { id, apiKey: await tx.findOneByOrFail(ApiKey, { id }), secret: key };
};

/** Credentials of partner applications. */
export class ApiKeyService {
  constructor(
    private readonly db: Database,
    private readonly messaging: Pick<Messaging, 'publish'>,
  ) {}

  async list(ctx: TenantContext, page: PageRequest): Promise<Page<ApiKey>> {
    const rows = await this.db.within(ctx, (tx) =>
      tx.find(ApiKey, {
        ...(page.after === null ? {} : { where: { id: LessThan(page.after as ApiKeyId) } }),
        order: { id: 'desc' },
        take: page.limit + 1,
      }),
    );
    return toPage(rows, page);
  }

  /** Nobody gives away a scope that they do not have. */
  async create(
    ctx: TenantContext,
    tx: TenantTx,
    input: { name: string; scopes: readonly string[]; expiresAt: Date | null },
  ): Promise<CreatedApiKey> {
    const scopes = parseScopes(input.scopes);
    const beyond = scopes.filter((scope) => !ctx.principal.scopes.includes(scope));
    if (beyond.length > 0) throw new Failure('FORBIDDEN', `you do not have the scopes: ${beyond.join(', ')}`);
    if (input.expiresAt !== null && input.expiresAt.getTime() <= Date.now()) {
      throw new Failure('BAD_INPUT', 'expiresAt must be in the future', { path: ['expiresAt'] });
    }
    const [{ count } = { count: '0' }] = await tx.query<{ count: string }[]>(
      'select count(*) from app.api_key where revoked_at is null',
    );
    if (Number(count) >= MOST_KEYS)
      throw new Failure('CONFLICT', `a tenant has at most ${MOST_KEYS} keys; revoke some`);
    return insertApiKey(tx, ctx, { name: parseName(input.name), scopes, expiresAt: input.expiresAt });
  }

  /** A new key with the same rights; the old one still works for `overlapHours`. */
  async rotate(ctx: TenantContext, tx: TenantTx, id: ApiKeyId, overlapHours: number): Promise<CreatedApiKey> {
    if (!Number.isInteger(overlapHours) || overlapHours < 0 || overlapHours > MOST_OVERLAP_H) {
      throw new Failure('BAD_INPUT', `overlapHours must be between 0 and ${MOST_OVERLAP_H}`, {
        path: ['overlapHours'],
      });
    }
    const old = await this.lock(tx, id);
    if (old.revokedAt !== null || old.replacedBy !== null) {
      throw new Failure('STATE_CONFLICT', 'this key was revoked or rotated already');
    }
    const beyond = old.scopes.filter((scope) => !ctx.principal.scopes.includes(scope));
    if (beyond.length > 0) throw new Failure('FORBIDDEN', `you do not have the scopes: ${beyond.join(', ')}`);
    const made = await insertApiKey(tx, ctx, {
      name: old.name,
      scopes: old.scopes,
      expiresAt: old.expiresAt,
    });
    await tx.query(
      `update app.api_key set replaced_by = $2,
          expires_at = least(expires_at, now() + $3 * interval '1 hour') where id = $1`,
      [id, made.id, overlapHours],
    );
    this.tell(tx, old);
    return made;
  }

  /** Effective on every gateway within a second; a second time changes nothing. */
  async revoke(_ctx: TenantContext, tx: TenantTx, id: ApiKeyId): Promise<ApiKey> {
    const key = await this.lock(tx, id);
    await tx.query('update app.api_key set revoked_at = coalesce(revoked_at, now()) where id = $1', [id]);
    this.tell(tx, key);
    return tx.findOneByOrFail(ApiKey, { id });
  }

  private async lock(tx: TenantTx, id: ApiKeyId): Promise<ApiKey> {
    const key = await tx.findOne(ApiKey, { where: { id }, lock: { mode: 'pessimistic_write' } });
    if (key === null) throw new Failure('NOT_FOUND', 'no such API key');
    return key;
  }

  private tell(tx: TenantTx, key: ApiKey): void {
    const changed: KeyChanged = { kind: 'apiKey', publicId: key.publicId };
    afterCommit(tx, () => this.messaging.publish(subject.changed, changed));
  }
}
