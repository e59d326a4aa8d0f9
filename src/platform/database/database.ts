import type { EntityManager } from 'typeorm';
import { DataSource } from 'typeorm';
import type { EntityTarget, ObjectLiteral } from 'typeorm';
import { Failure, isUuid } from '../../../contracts';
import type { TenantId } from '../../../contracts';

declare const tenantBrand: unique symbol;
declare const platformBrand: unique symbol;
/** A transaction that sees one tenant's rows only. Made by `Database.within` and nowhere else. */
export type TenantTx = EntityManager & { readonly [tenantBrand]: true };
/** A transaction of the platform role: the closed list of tables in the migrations, across tenants. */
export type PlatformTx = EntityManager & { readonly [platformBrand]: true };

export interface Scoped {
  readonly tenantId: TenantId;
}

const commitEffects = new WeakMap<EntityManager, (() => void)[]>();

/** Runs `effect` right after `tx` commits, and not at all when it does not: for nudges that a poll would repeat. */
export const afterCommit = (tx: TenantTx | PlatformTx, effect: () => void): void => {
  const effects = commitEffects.get(tx);
  if (effects === undefined) throw new Failure('INTERNAL', 'not an open transaction of the database door');
  effects.push(effect);
};

/** A transaction on `source`, then what was asked to follow its commit. */
const transact = async <T>(source: DataSource, work: (tx: EntityManager) => Promise<T>): Promise<T> => {
  const effects: (() => void)[] = [];
  const result = await source.transaction((tx) => {
    commitEffects.set(tx, effects);
    return work(tx);
  });
  for (const effect of effects) effect();
  return result;
};

export interface DatabaseOptions {
  readonly appUrl: string;
  readonly platformUrl: string;
  readonly entities: readonly EntityTarget<ObjectLiteral>[];
  readonly poolSize?: number;
}

/** PostgreSQL class 08, 57P and the client's own words for «cannot reach the server». */
const UNREACHABLE = /^(08|57P)|ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|ENOTFOUND/;
// TypeORM takes a runner back the moment its connection breaks: between two statements of a transaction.
const UNREACHABLE_TEXT =
  /Connection (terminated|ended)|timeout exceeded when trying to connect|Client (has encountered a connection error|was closed)|[Qq]uery runner (was )?already released|Transaction is not started yet/;

export const isUnreachable = (error: unknown): boolean => {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return (
    (typeof code === 'string' && UNREACHABLE.test(code)) ||
    (typeof message === 'string' && UNREACHABLE_TEXT.test(message))
  );
};

const unavailable = (error: unknown): never => {
  if (isUnreachable(error)) {
    throw new Failure('UNAVAILABLE', 'the database is not reachable at the moment; try again shortly', {
      cause: error,
    });
  }
  throw error;
};

/** The one door to PostgreSQL. */
export class Database {
  private constructor(
    private readonly app: DataSource,
    private readonly platform: DataSource,
  ) {}

  static async connect(options: DatabaseOptions): Promise<Database> {
    const source = (url: string, poolSize: number, name: string): DataSource =>
      new DataSource({
        type: 'postgres',
        url,
        schema: 'app',
        entities: [...options.entities] as never[],
        synchronize: false,
        poolSize,
        applicationName: name,
        extra: { connectionTimeoutMillis: 2000, idleTimeoutMillis: 30_000, keepAlive: true },
        // A connection lost while idle is replaced by the pool; the next query tells its caller.
        poolErrorHandler: () => undefined,
      });
    const size = options.poolSize ?? 10;
    const database = new Database(
      source(options.appUrl, size, 'modelmint-app'),
      source(options.platformUrl, Math.max(4, Math.ceil(size / 2)), 'modelmint-platform'),
    );
    await Promise.all([database.app.initialize(), database.platform.initialize()]);
    return database;
  }

  /** Runs `work` in one transaction that sees only `scope.tenantId`'s rows. */
  async within<T>(scope: Scoped, work: (tx: TenantTx) => Promise<T>): Promise<T> {
    if (!isUuid(scope.tenantId)) throw new Failure('INTERNAL', 'a tenant scope needs a tenant id');
    return transact(this.app, async (tx) => {
      // The uuid was checked above; SET takes no parameters. set_config is revoked, so that an injected
      // expression cannot switch tenant.
      await tx.query(`set local app.tenant_id = '${scope.tenantId}'`);
      return work(tx as TenantTx); // the only cast to TenantTx
    }).catch(unavailable);
  }

  /** Across tenants, on the closed list of platform tables; `reason` names the caller for log and review. */
  async asPlatform<T>(reason: string, work: (tx: PlatformTx) => Promise<T>): Promise<T> {
    if (reason.length === 0) throw new Failure('INTERNAL', 'platform work needs a reason');
    return transact(this.platform, (tx) => work(tx as PlatformTx)).catch(unavailable); // the only cast to PlatformTx
  }

  /** Answers when the application role can query; fails with UNAVAILABLE otherwise. */
  async ping(): Promise<void> {
    await this.app.query('select 1').catch(unavailable);
  }

  async close(): Promise<void> {
    await Promise.all([this.app.destroy(), this.platform.destroy()]);
  }
}
