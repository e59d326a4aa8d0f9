import {
  connect,
  nanos,
  AckPolicy,
  DeliverPolicy,
  DiscardPolicy,
  Events,
  JSONCodec,
  RetentionPolicy,
  StorageType,
} from 'nats';
import type { ConsumerMessages, JetStreamClient, JetStreamManager, JsMsg, NatsConnection } from 'nats';
import { Failure, STREAMS } from '../../../contracts';
import type { Logger } from '../log';

const codec = JSONCodec<unknown>();

export interface Delivery {
  readonly body: unknown;
  /** Position in the stream: one total order. */
  readonly streamSeq: number;
  ack(): Promise<boolean>;
  retry(delayMs: number): void;
}

/** The one door to NATS in the gateway. */
export class Messaging {
  private broken = 0;

  private constructor(
    private readonly connection: NatsConnection,
    private readonly jetstream: JetStreamClient,
    private readonly manager: JetStreamManager,
    private readonly log: Logger,
  ) {}

  static async connect(url: string, name: string, log: Logger): Promise<Messaging> {
    const at = new URL(url);
    const connection = await connect({
      servers: `${at.hostname}:${at.port || '4222'}`,
      ...(at.password === ''
        ? at.username === ''
          ? {}
          : { token: decodeURIComponent(at.username) }
        : { user: decodeURIComponent(at.username), pass: decodeURIComponent(at.password) }),
      name,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 200,
      waitOnFirstConnect: true,
    });
    const manager = await connection.jetstreamManager({ timeout: 5000 });
    const messaging = new Messaging(connection, connection.jetstream({ timeout: 3000 }), manager, log);
    void messaging.countBreaks();
    return messaging;
  }

  /** How often the connection broke. While this stands, what was listened for is late at worst, never lost. */
  get breaks(): number {
    return this.broken;
  }

  private async countBreaks(): Promise<void> {
    for await (const { type } of this.connection.status()) if (type === Events.Disconnect) this.broken++;
  }

  /** Creates the two streams, or leaves them when they are there. */
  async ensureStreams(): Promise<void> {
    const day = nanos(24 * 3600 * 1000);
    await this.ensure({
      name: STREAMS.tasks.name,
      subjects: [...STREAMS.tasks.subjects],
      retention: RetentionPolicy.Workqueue,
      storage: StorageType.File,
      discard: DiscardPolicy.New,
      max_msgs: 10_000,
      max_age: day,
      max_msg_size: 64 * 1024,
      duplicate_window: nanos(120_000),
    });
    await this.ensure({
      name: STREAMS.usage.name,
      subjects: [...STREAMS.usage.subjects],
      retention: RetentionPolicy.Limits,
      storage: StorageType.File,
      discard: DiscardPolicy.New,
      max_age: 7 * day,
      duplicate_window: nanos(120_000),
    });
  }

  private async ensure(config: Parameters<JetStreamManager['streams']['add']>[0]): Promise<void> {
    try {
      await this.manager.streams.add(config);
    } catch (error) {
      // Another gateway was first, or an older configuration stands: bring it up to date.
      await this.manager.streams.update(config.name ?? '', config).catch(() => {
        throw error;
      });
    }
  }

  /** Stores a message in its stream; resolves when JetStream has it. `id` makes a repeat within two minutes harmless. */
  async store(
    subject: string,
    body: unknown,
    id: string,
    timeoutMs = 3000,
  ): Promise<{ seq: number; duplicate: boolean }> {
    try {
      const ack = await this.jetstream.publish(subject, codec.encode(body), {
        msgID: id,
        timeout: timeoutMs,
      });
      return { seq: ack.seq, duplicate: ack.duplicate };
    } catch (error) {
      throw new Failure('UNAVAILABLE', 'the message stream is not reachable at the moment', { cause: error });
    }
  }

  /** Core publish: fast, at most once. For progress, cancel and cache invalidation. */
  publish(subject: string, body: unknown): void {
    if (!this.connection.isClosed()) this.connection.publish(subject, codec.encode(body));
  }

  /** Calls `handle` for every message on `subject` (wildcards allowed). Returns the way to stop. */
  listen(subject: string, handle: (body: unknown, subject: string) => void): () => void {
    const subscription = this.connection.subscribe(subject, {
      callback: (error, message) => {
        if (error) return this.log.warn({ err: error, subject }, 'subscription error');
        try {
          handle(codec.decode(message.data), message.subject);
        } catch (cause) {
          this.log.warn({ err: cause, subject: message.subject }, 'message not understood');
        }
      },
    });
    return () => subscription.unsubscribe();
  }

  /** Answers requests on `subject`; several gateways share the work through `queue`. */
  serve(subject: string, queue: string, answer: (body: unknown) => Promise<unknown>): () => void {
    const subscription = this.connection.subscribe(subject, {
      queue,
      callback: (error, message) => {
        if (error) return this.log.warn({ err: error, subject }, 'subscription error');
        void (async () => {
          try {
            message.respond(codec.encode(await answer(codec.decode(message.data))));
          } catch (cause) {
            this.log.error({ err: cause, subject }, 'request failed');
            message.respond(
              codec.encode({
                v: 1,
                outcome: 'error',
                code: cause instanceof Failure ? cause.code : 'INTERNAL',
              }),
            );
          }
        })();
      },
    });
    return () => subscription.unsubscribe();
  }

  /**
   * Durable consumer: hands over up to `batch` messages at once, in stream order, one batch at a time. `handle` settles
   * each delivery. Runs until `stop`, across reconnects.
   */
  async consume(
    stream: string,
    durable: string,
    options: { filter?: string; batch: number; ackWaitMs: number },
    handle: (deliveries: Delivery[]) => Promise<void>,
  ): Promise<{ stop(): Promise<void> }> {
    const config = {
      durable_name: durable,
      ack_policy: AckPolicy.Explicit,
      deliver_policy: DeliverPolicy.All,
      ack_wait: nanos(options.ackWaitMs),
      max_ack_pending: options.batch * 2,
      ...(options.filter === undefined ? {} : { filter_subject: options.filter }),
    };
    await this.manager.consumers.add(stream, config);
    let stopped = false;
    let pulling: ConsumerMessages | null = null;
    const pull = async (): Promise<void> => {
      const consumer = await this.jetstream.consumers.get(stream, durable);
      // First one message, waiting; then whatever else is there at once: no timer, no added delay.
      pulling = await consumer.fetch({ max_messages: 1, expires: 10_000 });
      for await (const first of pulling) {
        const messages: JsMsg[] = [first];
        if (options.batch > 1 && first.info.pending > 0) {
          const more = await consumer.fetch({
            max_messages: Math.min(options.batch - 1, first.info.pending),
            expires: 1000,
          });
          for await (const message of more) messages.push(message);
        }
        await handle(
          messages.map((message) => ({
            body: codec.decode(message.data),
            streamSeq: message.seq,
            ack: () => message.ackAck({ timeout: 2000 }),
            retry: (delayMs) => message.nak(delayMs),
          })),
        );
      }
    };
    const loop = (async () => {
      while (!stopped) {
        try {
          await pull();
        } catch (error) {
          if (stopped) return;
          this.log.warn({ err: error, stream, durable }, 'consumer will try again');
          await new Promise((resolve) => setTimeout(resolve, 500));
          await this.manager.consumers.add(stream, config).catch(() => undefined);
        }
      }
    })();
    return {
      stop: async () => {
        stopped = true;
        pulling?.stop();
        await loop;
      },
    };
  }

  /** Pulls that wait at a consumer: as many messages would be taken at once. 0 where there is no such consumer. */
  async waitingPulls(stream: string, consumer: string): Promise<number> {
    try {
      return (await this.manager.consumers.info(stream, consumer)).num_waiting;
    } catch {
      return 0; // a hint only
    }
  }

  /** Messages in a stream, waiting and in hand together; none when the server lost the stream. */
  async stored(stream: string): Promise<number> {
    try {
      return (await this.manager.streams.info(stream)).state.messages;
    } catch (error) {
      if ((error as { code?: unknown }).code === '404') return 0;
      throw new Failure('UNAVAILABLE', 'NATS is not reachable at the moment', { cause: error });
    }
  }

  /** Messages waiting in a stream, and those a durable consumer has in hand. */
  async backlog(
    stream: string,
    durable: string,
  ): Promise<{ stored: number; pending: number; inHand: number }> {
    const [info, consumer] = await Promise.all([
      this.manager.streams.info(stream),
      this.manager.consumers.info(stream, durable),
    ]);
    return { stored: info.state.messages, pending: consumer.num_pending, inHand: consumer.num_ack_pending };
  }

  get connected(): boolean {
    return !this.connection.isClosed() && this.connection.info !== undefined;
  }

  /** Round trip to the server; fails with UNAVAILABLE. */
  async ping(timeoutMs = 1000): Promise<void> {
    const timeout = new Promise<never>((_, reject) =>
      setTimeout(
        () => reject(new Failure('UNAVAILABLE', 'NATS is not reachable at the moment')),
        timeoutMs,
      ).unref(),
    );
    await Promise.race([this.connection.flush(), timeout]);
  }

  async close(): Promise<void> {
    // Draining waits for the server; one that is gone must not keep us.
    const late = new Promise<void>((resolve) => setTimeout(resolve, 2000).unref());
    await Promise.race([this.connection.drain().catch(() => undefined), late]);
    await this.connection.close();
  }
}
