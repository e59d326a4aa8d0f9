/** The worker's one door to NATS: requests to the control plane, and pulls from the work queue. */
import { AckPolicy, connect, createInbox, DeliverPolicy, Events, JSONCodec, nanos, StringCodec } from 'nats';
import type { ConsumerConfig, Msg, NatsConnection, Subscription } from 'nats';
import { STREAMS, subject, TaskReady, workerConsumer } from '../contracts';
import type { TaskKind } from '../contracts';
import type { Settlement } from './control/attempt';
import { MessageTooLarge } from './control/link';
import type { Link } from './control/link';
import type { Logger } from './log';
import type { Slots } from './slots';

/** An unsettled message is handed to another worker this long after its last sign of life. */
const ACK_WAIT_MS = 5000;
const WORKING_EVERY_MS = 1500;
const PULL_EXPIRES_MS = 30_000;
/** A message that arrives while its group is full goes back, for another worker. */
const FULL_DELAY_MS = 250;
const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 1000;

const json = JSONCodec<unknown>();
const text = StringCodec();

export class Broker implements Link {
  private readonly reconnected = new Set<() => void>();

  private constructor(
    private readonly connection: NatsConnection,
    private readonly log: Logger,
  ) {
    void this.watchStatus();
  }

  /** Resolves once connected, however long the server takes to appear; reconnects for ever afterwards. */
  static async connect(url: string, name: string, log: Logger): Promise<Broker> {
    const at = new URL(url);
    const credentials =
      at.password !== ''
        ? { user: decodeURIComponent(at.username), pass: decodeURIComponent(at.password) }
        : at.username !== ''
          ? { token: decodeURIComponent(at.username) }
          : {};
    const connection = await connect({
      servers: `${at.hostname}:${at.port || '4222'}`,
      ...credentials,
      name,
      waitOnFirstConnect: true,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 100,
      reconnectJitter: 200,
      pingInterval: 5000,
      maxPingOut: 2,
    });
    return new Broker(connection, log);
  }

  private async watchStatus(): Promise<void> {
    for await (const status of this.connection.status()) {
      if (status.type === Events.Disconnect) this.log.warn('connection to NATS lost');
      if (status.type !== Events.Reconnect) continue;
      this.log.info('connected to NATS again');
      for (const listener of this.reconnected) listener();
    }
  }

  async request(to: string, body: unknown, timeoutMs: number): Promise<unknown> {
    const data = json.encode(body);
    const limitBytes = this.connection.info?.max_payload ?? Infinity;
    if (data.byteLength > limitBytes) throw new MessageTooLarge(data.byteLength, limitBytes);
    const answer = await this.connection.request(to, data, { timeout: timeoutMs });
    return json.decode(answer.data);
  }

  publish(to: string, body: unknown): void {
    if (!this.connection.isClosed()) this.connection.publish(to, json.encode(body));
  }

  listen(to: string, handle: (body: unknown) => void): () => void {
    const subscription = this.connection.subscribe(to, {
      callback: (error, message) => {
        if (error !== null) return;
        try {
          handle(json.decode(message.data));
        } catch {
          this.log.warn({ subject: to }, 'message not understood');
        }
      },
    });
    return () => subscription.unsubscribe();
  }

  /** Pulls tasks of one kind while `slots` has room; `handle` says what becomes of each message. */
  consume(kind: TaskKind, slots: Slots, handle: (task: TaskReady) => Promise<Settlement>): TaskConsumer {
    const consumer = new TaskConsumer(this.connection, kind, slots, handle, this.log);
    this.reconnected.add(() => consumer.restart());
    return consumer;
  }

  /** Sends what is still to be sent, then closes. */
  async close(): Promise<void> {
    await this.connection.drain().catch(() => this.connection.close());
  }
}

/**
 * One durable consumer per kind: the work-queue stream of NATS 2.9 knows a single filter subject a consumer. While
 * a slot is free one pull is open, so that a published task arrives at once.
 */
export class TaskConsumer {
  /** Resolves once the durable consumer exists, which needs the stream that the gateway creates. */
  readonly ready: Promise<void>;
  private readonly durable: string;
  private readonly inbox = createInbox();
  private readonly subscription: Subscription;
  private readonly handling = new Set<Promise<void>>();
  private pulling: NodeJS.Timeout | null = null;
  private ensuring: Promise<void> | null = null;
  private closed = false;

  constructor(
    private readonly connection: NatsConnection,
    private readonly kind: TaskKind,
    private readonly slots: Slots,
    private readonly handle: (task: TaskReady) => Promise<Settlement>,
    private readonly log: Logger,
  ) {
    this.durable = workerConsumer(kind);
    this.subscription = connection.subscribe(this.inbox, {
      callback: (error, message) => {
        if (error === null) this.received(message);
      },
    });
    slots.onFree(() => this.pull());
    this.ready = this.ensure();
  }

  /** After a reconnect the server has forgotten the open pull. */
  restart(): void {
    this.pulled();
    this.pull();
  }

  /** Takes no more; messages that still arrive go back. Resolves when those in hand are settled. */
  async stop(): Promise<void> {
    this.closed = true;
    this.pulled();
    await this.ensuring;
    await Promise.all(this.handling);
  }

  private pulled(): void {
    if (this.pulling !== null) clearTimeout(this.pulling);
    this.pulling = null;
  }

  private pull(): void {
    if (this.closed || this.pulling !== null || this.ensuring !== null || !this.slots.isFree) return;
    if (this.connection.isClosed()) return;
    this.connection.publish(
      `$JS.API.CONSUMER.MSG.NEXT.${STREAMS.tasks.name}.${this.durable}`,
      json.encode({ batch: 1, expires: nanos(PULL_EXPIRES_MS) }),
      { reply: this.inbox },
    );
    // The server says when a pull has expired; if that word is lost, the next one starts all the same.
    this.pulling = setTimeout(() => this.restart(), PULL_EXPIRES_MS + 1000);
  }

  private received(message: Msg): void {
    const status = message.headers?.code ?? 0;
    if (status === 100) return; // the server's own pulse
    this.pulled();
    if (status === 404 || status === 408) return this.pull();
    if (status !== 0) {
      // Consumer or stream are gone, or JetStream is not up yet.
      void this.ensure();
      return;
    }
    if (this.closed) return nak(message, 0);
    if (!this.slots.take()) return nak(message, FULL_DELAY_MS);
    const settled = this.settle(message).finally(() => {
      this.handling.delete(settled);
      this.slots.release();
    });
    this.handling.add(settled);
    this.pull(); // another slot may be free
  }

  private async settle(message: Msg): Promise<void> {
    const task = parseTask(message);
    if (task?.kind !== this.kind) {
      this.log.error({ kind: this.kind }, 'a message on the work queue is not a task; dropped');
      message.respond(text.encode('+TERM'));
      return;
    }
    const alive = setInterval(() => message.respond(text.encode('+WPI')), WORKING_EVERY_MS);
    try {
      const settlement = await this.handle(task);
      clearInterval(alive);
      switch (settlement.message) {
        case 'done':
        case 'never':
          await this.acknowledge(message);
          break;
        case 'later':
          nak(message, settlement.delayMs);
          break;
        case 'abandoned':
          break;
      }
    } catch (error) {
      this.log.error({ err: error, taskId: task.taskId }, 'task not settled; it comes again');
      nak(message, 1000);
    } finally {
      clearInterval(alive);
    }
  }

  /** A lost acknowledgement only costs another claim, which is answered `never`. */
  private async acknowledge(message: Msg): Promise<void> {
    if (message.reply === undefined) return;
    try {
      await this.connection.request(message.reply, text.encode('+ACK'), { timeout: 1000 });
    } catch {
      this.log.debug({ kind: this.kind }, 'acknowledgement not confirmed');
    }
  }

  /** Makes sure that the durable consumer exists, for as long as that takes; then pulls. */
  private ensure(): Promise<void> {
    this.ensuring ??= this.create().finally(() => {
      this.ensuring = null;
      this.pull();
    });
    return this.ensuring;
  }

  private async create(): Promise<void> {
    const config: Partial<ConsumerConfig> = {
      durable_name: this.durable,
      filter_subject: subject.task(this.kind),
      ack_policy: AckPolicy.Explicit,
      deliver_policy: DeliverPolicy.All,
      ack_wait: nanos(ACK_WAIT_MS),
      max_deliver: -1, // the cap on attempts stands in the claim
    };
    for (let failures = 0; !this.closed; failures++) {
      try {
        const manager = await this.connection.jetstreamManager({ timeout: 2000, checkAPI: false });
        await manager.consumers.add(STREAMS.tasks.name, config);
        return;
      } catch (error) {
        if (failures === 0) this.log.info({ kind: this.kind, err: error }, 'waiting for the work queue');
        const delayMs = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures);
        await new Promise((resolve) => setTimeout(resolve, delayMs));
      }
    }
  }
}

const nak = (message: Msg, delayMs: number): void => {
  const detail = delayMs > 0 ? ` ${JSON.stringify({ delay: nanos(delayMs) })}` : '';
  message.respond(text.encode(`-NAK${detail}`));
};

const parseTask = (message: Msg): TaskReady | null => {
  try {
    return TaskReady.safeParse(json.decode(message.data)).data ?? null;
  } catch {
    return null;
  }
};
