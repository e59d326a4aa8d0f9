/**
 * From what a caller presents to who that is. API keys are answered from memory while the gateway's pulse shows that it
 * hears of changes; a revocation is heard within milliseconds. Without the pulse PostgreSQL is asked, or nobody gets in.
 */
import { Failure, subject } from '../../contracts';
import type { ApiKeyId, TenantId } from '../../contracts';
import type { Credential, Scope } from '../platform/context';
import { SCOPES } from '../platform/context';
import type { Database } from '../platform/database';
import type { Logger } from '../platform/log';
import type { Messaging } from '../platform/messaging';
import type { Pulse } from '../platform/pulse';
import type { SessionService } from './session.service';
import { apiKeyId, hashSecret, isToken, sameHash } from './token';

interface StoredKey {
  readonly id: ApiKeyId;
  readonly tenantId: TenantId;
  readonly secretHash: Buffer;
  readonly scopes: readonly Scope[];
  readonly expiresAtMs: number;
  readonly revoked: boolean;
}
interface CachedKey {
  readonly key: StoredKey;
  /** From `Pulse.now()`, before the read began. */
  readonly readAtMs: number;
  refreshing: boolean;
}

const MOST_CACHED = 50_000;
/** Read again behind the answer after this long: a message that was never sent cannot leave a key alive for ever. */
const REFRESH_MS = 5000;
const FLUSH_USED_MS = 5000;

export interface Presented {
  readonly authorization?: string;
  readonly session?: string;
}

const refused = (hint?: string): Failure =>
  new Failure('UNAUTHENTICATED', 'this credential is not valid', hint === undefined ? {} : { hint });

export class Credentials {
  private readonly cached = new Map<string, CachedKey>();
  /** When a key was last said to have changed; a read that began before must not be kept. */
  private readonly changedAt = new Map<string, number>();
  private readonly used = new Map<ApiKeyId, { tenantId: TenantId; at: Date }>();
  private stopListening: (() => void) | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly db: Database,
    private readonly messaging: Pick<Messaging, 'listen'>,
    private readonly pulse: Pick<Pulse, 'now' | 'trusts'>,
    private readonly sessions: SessionService,
    private readonly log: Logger,
  ) {}

  /** Call before the pulse starts, so that no change is missed. */
  start(): void {
    this.stopListening = this.messaging.listen(subject.changed, (body) => {
      const { kind, publicId } = body as { kind?: unknown; publicId?: unknown };
      if (kind === 'apiKey' && typeof publicId === 'string') this.forget(publicId);
    });
    this.timer = setInterval(() => void this.flushUsed(), FLUSH_USED_MS);
    this.timer.unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    this.stopListening?.();
    await this.flushUsed();
  }

  /** Null when nothing was presented; UNAUTHENTICATED when it does not count; UNAVAILABLE when nobody can tell. */
  async authenticate(presented: Presented): Promise<Credential | null> {
    if (presented.authorization !== undefined) {
      const token = /^Bearer ([\x21-\x7e]{1,200})$/i.exec(presented.authorization)?.[1];
      if (token === undefined) throw refused('send «Authorization: Bearer mm_...»');
      if (token.startsWith('mmo_')) return this.operator(token);
      return this.apiKey(token);
    }
    return presented.session === undefined ? null : this.sessions.credential(presented.session);
  }

  private async apiKey(token: string): Promise<Credential> {
    const publicId = apiKeyId(token);
    if (publicId === null) throw refused('this is no API key; check for a typo');
    const key = await this.key(publicId);
    if (key === null || !sameHash(key.secretHash, hashSecret(token)) || key.revoked) throw refused();
    if (key.expiresAtMs <= Date.now()) throw refused('this key has expired');
    this.used.set(key.id, { tenantId: key.tenantId, at: new Date() });
    return { tenantId: key.tenantId, principal: { kind: 'apiKey', id: key.id, scopes: key.scopes } };
  }

  private async key(publicId: string): Promise<StoredKey | null> {
    const known = this.cached.get(publicId);
    if (known === undefined || !this.pulse.trusts(known.readAtMs)) return this.read(publicId);
    if (!known.refreshing && this.pulse.now() - known.readAtMs > REFRESH_MS) {
      known.refreshing = true;
      this.read(publicId)
        .catch(() => undefined) // PostgreSQL is away: the pulse vouches for what is known
        .finally(() => (known.refreshing = false));
    }
    return known.key;
  }

  private async read(publicId: string): Promise<StoredKey | null> {
    const readAtMs = this.pulse.now();
    const [row] = await this.db.asPlatform('look an API key up', (tx) =>
      tx.query<
        {
          tenant_id: TenantId;
          id: ApiKeyId;
          secret_hash: Buffer;
          scopes: Scope[];
          expires_at: Date | null;
          revoked_at: Date | null;
        }[]
      >(
        'select tenant_id, id, secret_hash, scopes, expires_at, revoked_at from app.api_key where public_id = $1',
        [publicId],
      ),
    );
    if (row === undefined) {
      this.cached.delete(publicId);
      return null;
    }
    const key: StoredKey = {
      id: row.id,
      tenantId: row.tenant_id,
      secretHash: row.secret_hash,
      scopes: row.scopes.filter((scope) => SCOPES.includes(scope)),
      expiresAtMs: row.expires_at?.getTime() ?? Infinity,
      revoked: row.revoked_at !== null,
    };
    if ((this.changedAt.get(publicId) ?? -Infinity) < readAtMs)
      this.remember(publicId, { key, readAtMs, refreshing: false });
    return key;
  }

  private remember(publicId: string, entry: CachedKey): void {
    this.cached.delete(publicId);
    this.cached.set(publicId, entry);
    if (this.cached.size <= MOST_CACHED) return;
    for (const oldest of this.cached.keys()) {
      this.cached.delete(oldest);
      return;
    }
  }

  private forget(publicId: string): void {
    this.cached.delete(publicId);
    this.changedAt.set(publicId, this.pulse.now());
    if (this.changedAt.size > MOST_CACHED) this.changedAt.clear();
  }

  private async operator(token: string): Promise<Credential> {
    if (!isToken('mmo', token)) throw refused('this is no operator token; check for a typo');
    const [row] = await this.db.asPlatform('look an operator up', (tx) =>
      tx.query<{ id: string }[]>('select id from app.operator where token_hash = $1', [hashSecret(token)]),
    );
    if (row === undefined) throw refused();
    return { tenantId: null, principal: { kind: 'operator', id: row.id, scopes: SCOPES } };
  }

  /** Last use, written in batches: not worth a write a request. */
  private async flushUsed(): Promise<void> {
    if (this.used.size === 0) return;
    const batch = [...this.used];
    this.used.clear();
    await this.db
      .asPlatform('note when API keys were last used', (tx) =>
        tx.query(
          `update app.api_key k set last_used_at = greatest(k.last_used_at, u.at)
             from unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) as u(tenant_id, id, at)
            where k.tenant_id = u.tenant_id and k.id = u.id`,
          [batch.map(([, use]) => use.tenantId), batch.map(([id]) => id), batch.map(([, use]) => use.at)],
        ),
      )
      .catch((error: unknown) => this.log.debug({ err: error }, 'last use was not noted'));
  }
}
