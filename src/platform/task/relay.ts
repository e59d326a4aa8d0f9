import type { TaskId, TaskKind, TaskReady, TenantId } from '../../../contracts';
import { subject } from '../../../contracts';
import type { Database } from '../database';
import type { Logger } from '../log';
import type { Messaging } from '../messaging';

interface Due {
  tenant_id: TenantId;
  id: string;
  task_id: TaskId;
  kind: TaskKind;
}

/**
 * Tenants in turn: each one's next announcements, ranked by how much of that tenant is running or announced already. A
 * thousand queued tasks of one tenant stand behind the first of another.
 */
const NEXT_DUE = `
  with load as (
    select tenant_id, count(*) as busy
      from (select tenant_id from app.task where kind = $2 and state = 'RUNNING'
            union all
            select tenant_id from app.outbox where kind = $2 and published_at is not null) as present
     group by tenant_id),
  waiting as (
    select distinct tenant_id from app.outbox where kind = $2 and published_at is null and due_at <= now()),
  candidate as (
    select waiting.tenant_id, due.id, coalesce(load.busy, 0) + due.nth as rank, due.due_at
      from waiting left join load using (tenant_id)
      cross join lateral (
        select o.id, o.due_at, row_number() over (order by o.due_at, o.id) as nth from app.outbox o
         where o.tenant_id = waiting.tenant_id and o.kind = $2 and o.published_at is null and o.due_at <= now()
         order by o.due_at, o.id limit $1) as due
     order by rank, due.due_at limit $1)
  select o.tenant_id, o.id, o.task_id, o.kind
    from app.outbox o join candidate c on c.tenant_id = o.tenant_id and c.id = o.id
   order by c.rank, c.due_at
     for update of o skip locked`;

/**
 * Publishes the outbox. At most `window` announcements of a kind wait in the stream at a time, so that the order of work
 * stays decided here. Publishing twice is harmless: the stream drops a repeated id, and the claim decides in the end.
 */
export class Relay {
  private running: Promise<void> | undefined;
  private again = false;
  private timer: NodeJS.Timeout | undefined;
  private stopped = true;

  constructor(
    private readonly db: Database,
    private readonly messaging: Messaging,
    private readonly log: Logger,
    private readonly options: { readonly window: number; readonly pollMs: number },
  ) {}

  start(): void {
    this.stopped = false;
    this.timer = setInterval(() => this.nudge(), this.options.pollMs);
    this.timer.unref();
    this.nudge();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    await this.running;
  }

  /** Publish soon: called after a commit that left something in the outbox, and by the poll for what was missed. */
  nudge(): void {
    if (this.stopped) return;
    if (this.running !== undefined) {
      this.again = true;
      return;
    }
    this.running = this.drain()
      .catch((error: unknown) => this.recover(error))
      .finally(() => {
        this.running = undefined;
        if (this.again) {
          this.again = false;
          this.nudge();
        }
      });
  }

  private async drain(): Promise<void> {
    while ((await this.pass()) > 0 && !this.stopped);
  }

  private async recover(error: unknown): Promise<void> {
    this.log.warn({ err: error }, 'the relay will try again');
    // A NATS server that came back without its data has no stream to publish to.
    await this.messaging.ensureStreams().catch(() => undefined);
  }

  /** One transaction: choose, publish, mark. Returns how many were published. */
  async pass(): Promise<number> {
    return this.db.asPlatform('publish the outbox in fair order', async (tx) => {
      const kinds = await tx.query<{ kind: TaskKind; free: number }[]>(
        `select kind, $1::int - count(published_at)::int as free from app.outbox
          group by kind having bool_or(published_at is null and due_at <= now())`,
        [this.options.window],
      );
      const due: Due[] = [];
      for (const { kind, free } of kinds) {
        if (free > 0) due.push(...(await tx.query<Due[]>(NEXT_DUE, [free, kind])));
      }
      if (due.length === 0) return 0;
      await Promise.all(
        due.map((row) => {
          const ready: TaskReady = { v: 1, tenantId: row.tenant_id, taskId: row.task_id, kind: row.kind };
          return this.messaging.store(subject.task(row.kind), ready, row.id);
        }),
      );
      await tx.query('update app.outbox set published_at = now() where id = any($1::uuid[])', [
        due.map((row) => row.id),
      ]);
      return due.length;
    });
  }
}
