import { Failure } from '../../contracts';
import type { TenantId } from '../../contracts';
import type { Principal, TenantContext } from './context';
import type { Database, PlatformTx, TenantTx } from './database';
import { newId } from './ids';
import { Sealer } from './sealed';

export interface Command {
  /** The mutation's name, as in the schema. */
  readonly operation: string;
  /** Id of what it acts on; when left out, the `id` of what the effect returns. */
  readonly target?: string;
}

export interface PlatformCommand<T> {
  readonly operation: string;
  /** Names the caller to `Database.asPlatform`. */
  readonly reason: string;
  /** Whose audit record it is. */
  readonly tenantOf: (answer: T) => TenantId;
}

const KEPT = "interval '24 hours'";

const credentialOf = (principal: Principal): string =>
  `${principal.kind}:${principal.kind === 'system' ? principal.reason : principal.id}`;

// Answers hold dates and bigints, which JSON has no form for.
const encode = (value: unknown): Buffer => {
  const tagged = (input: unknown): unknown => {
    if (input instanceof Date) return { $date: input.toISOString() };
    if (typeof input === 'bigint') return { $bigint: input.toString() };
    if (Array.isArray(input)) return input.map(tagged);
    if (input !== null && typeof input === 'object')
      return Object.fromEntries(Object.entries(input).map(([key, inner]) => [key, tagged(inner)]));
    return input;
  };
  return Buffer.from(JSON.stringify({ value: tagged(value) }));
};

const decode = (bytes: Buffer): unknown =>
  (
    JSON.parse(bytes.toString(), (_key, value: unknown) => {
      if (value !== null && typeof value === 'object') {
        if ('$date' in value) return new Date(String(value.$date));
        if ('$bigint' in value) return BigInt(String(value.$bigint));
      }
      return value;
    }) as { value: unknown }
  ).value;

const idOf = (answer: unknown): string | null => {
  const id = (answer as { id?: unknown } | null | undefined)?.id;
  return typeof id === 'string' ? id : null;
};

const audit = async (
  tx: TenantTx | PlatformTx,
  { principal, requestId }: TenantContext,
  tenantId: TenantId,
  operation: string,
  target: string | null,
): Promise<void> => {
  const actor = principal.kind === 'system' ? principal.reason : principal.id;
  await tx.query(
    `insert into app.audit_event (tenant_id, id, actor_kind, actor_id, operation, target, request_id)
     values ($1, $2, $3, $4, $5, $6, $7)`,
    [tenantId, newId(), principal.kind, actor, operation, target, requestId],
  );
};

/** The one door for mutations: idempotency check, effect and audit record in one transaction. */
export class Commands {
  private readonly sealer: Sealer;

  constructor(
    private readonly db: Database,
    secret: Buffer,
  ) {
    this.sealer = new Sealer(secret, 'idempotency');
  }

  /**
   * Runs `effect` once. With an idempotency key in `ctx`, a repeat within 24 h by the same credential answers what the
   * first run answered, and another body under the same key fails with IDEMPOTENCY_CONFLICT. A failed run is not
   * remembered. What `effect` returns must be plain data (dates and bigints allowed).
   */
  async run<T>(ctx: TenantContext, command: Command, effect: (tx: TenantTx) => Promise<T>): Promise<T> {
    return this.db.within(ctx, (tx) =>
      this.once(ctx, tx, effect, (answer) =>
        audit(tx, ctx, ctx.tenantId, command.operation, command.target ?? idOf(answer)),
      ),
    );
  }

  /** The same for the operator's command that makes a tenant: nothing of the tenant is there to be scoped to yet. */
  async runAsPlatform<T>(
    ctx: TenantContext,
    command: PlatformCommand<T>,
    effect: (tx: PlatformTx) => Promise<T>,
  ): Promise<T> {
    return this.db.asPlatform(command.reason, (tx) =>
      this.once(ctx, tx, effect, (answer) =>
        audit(tx, ctx, command.tenantOf(answer), command.operation, idOf(answer)),
      ),
    );
  }

  /** Answers are remembered for a day. */
  async forgetOld(): Promise<void> {
    await this.db.asPlatform('forget old answers', (tx) =>
      tx.query(`delete from app.idempotency_key where created_at < now() - ${KEPT}`),
    );
  }

  private async once<T, Tx extends TenantTx | PlatformTx>(
    ctx: TenantContext,
    tx: Tx,
    effect: (tx: Tx) => Promise<T>,
    record: (answer: T) => Promise<void>,
  ): Promise<T> {
    const remembered = await this.claim(ctx, tx);
    if (remembered !== undefined) return remembered.answer as T;
    const answer = await effect(tx);
    await record(answer);
    await this.remember(ctx, tx, answer);
    return answer;
  }

  /** Takes the key for this run, waiting for a concurrent holder; returns the stored answer when there is one. */
  private async claim(
    ctx: TenantContext,
    tx: TenantTx | PlatformTx,
  ): Promise<{ answer: unknown } | undefined> {
    if (ctx.idempotency === undefined) return undefined;
    const { key, requestHash } = ctx.idempotency;
    const credential = credentialOf(ctx.principal);
    const taken = await tx.query<unknown[]>(
      `insert into app.idempotency_key as k (tenant_id, credential, key, request_hash) values ($1, $2, $3, $4)
       on conflict (tenant_id, credential, key) do update
         set request_hash = excluded.request_hash, answer = null, created_at = now()
         where k.created_at < now() - ${KEPT}
       returning 1`,
      [ctx.tenantId, credential, key, requestHash],
    );
    if (taken.length > 0) return undefined;
    const [row] = await tx.query<{ request_hash: string; answer: Buffer }[]>(
      'select request_hash, answer from app.idempotency_key where tenant_id = $1 and credential = $2 and key = $3',
      [ctx.tenantId, credential, key],
    );
    if (row === undefined || row.request_hash !== requestHash) {
      throw new Failure(
        'IDEMPOTENCY_CONFLICT',
        'this Idempotency-Key was used with another operation or other variables',
        {
          hint: 'use a new key for a new request; repeat a request byte for byte to get its answer again',
        },
      );
    }
    return { answer: decode(this.sealer.open(row.answer, this.bound(ctx, credential))) };
  }

  private async remember(ctx: TenantContext, tx: TenantTx | PlatformTx, answer: unknown): Promise<void> {
    if (ctx.idempotency === undefined) return;
    const credential = credentialOf(ctx.principal);
    await tx.query(
      'update app.idempotency_key set answer = $4 where tenant_id = $1 and credential = $2 and key = $3',
      [
        ctx.tenantId,
        credential,
        ctx.idempotency.key,
        this.sealer.seal(encode(answer), this.bound(ctx, credential)),
      ],
    );
  }

  private bound(ctx: TenantContext, credential: string): string {
    return `${ctx.tenantId}|${credential}|${ctx.idempotency?.key ?? ''}`;
  }
}
