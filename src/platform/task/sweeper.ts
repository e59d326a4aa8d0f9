import { STREAMS } from '../../../contracts';
import type { TaskId, TenantId } from '../../../contracts';
import type { Database } from '../database';
import type { Logger } from '../log';
import type { Messaging } from '../messaging';

export interface SweeperOptions {
  readonly intervalMs: number;
  /** An announcement that nobody claimed for so long is made again. */
  readonly reannounceMs: number;
  /** How far beyond its time limit an attempt may go before its token is withdrawn. */
  readonly timeoutMs: number;
}

/** Looks across tenants for what went missing; what it finds is settled under the tenant's own scope by `expire`. */
export class Sweeper {
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;

  constructor(
    private readonly db: Database,
    private readonly messaging: Messaging,
    private readonly log: Logger,
    private readonly options: SweeperOptions,
    private readonly expire: (tenantId: TenantId, taskId: TaskId) => Promise<void>,
    private readonly nudge: () => void,
  ) {}

  start(): void {
    this.timer = setInterval(() => this.tick(), this.options.intervalMs);
    this.timer.unref();
  }
  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.running;
  }
  private tick(): void {
    this.running ??= this.sweep()
      .catch((error: unknown) => this.log.warn({ err: error }, 'the task sweep will try again'))
      .finally(() => {
        this.running = undefined;
      });
  }

  async sweep(): Promise<void> {
    const lost = await this.db.asPlatform('find tasks whose worker is gone', (tx) =>
      tx.query<{ tenant_id: TenantId; id: TaskId }[]>(
        `select tenant_id, id from app.task
          where state = 'RUNNING'
            and (lease_until < now() or attempt_started_at < now() - $1 * interval '1 millisecond')
          order by lease_until limit 200`,
        [this.options.timeoutMs],
      ),
    );
    for (const task of lost) await this.expire(task.tenant_id, task.id);
    if ((await this.reannounce(this.options.reannounceMs)) + (await this.rebuild()) > 0) this.nudge();
  }

  /** A new id, because the stream drops a repeated one for two minutes. */
  private reannounce(olderThanMs: number): Promise<number> {
    return this.db.asPlatform('announce forgotten tasks again', async (tx) => {
      const [, count] = await tx.query<[unknown[], number]>(
        `update app.outbox set id = gen_random_uuid(), published_at = null
          where published_at < now() - $1 * interval '1 millisecond'`,
        [olderThanMs],
      );
      return count;
    });
  }

  /** An empty stream beside announced tasks: NATS lost its data, PostgreSQL did not. */
  private async rebuild(): Promise<number> {
    const stored = await this.messaging.stored(STREAMS.tasks.name);
    if (stored > 0) return 0;
    return this.reannounce(2000);
  }
}
