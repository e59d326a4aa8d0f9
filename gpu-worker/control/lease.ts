import type { Consumed, TaskReady } from '../../contracts';
import type { Logger } from '../log';
import { ControlUnavailable } from './control-plane';
import type { ControlPlane } from './control-plane';
import type { ProgressJournal } from './journal';

export interface Grant {
  readonly fence: string;
  readonly leaseMs: number;
  readonly heartbeatMs: number;
}

export interface LeaseEvents {
  canceled(): void;
  /** The token is stale, or the lease ran out unheard: the work must die and write nothing. */
  lost(why: 'refused' | 'expired'): void;
}

/** Renews one grant by heartbeats until stopped. */
export class Lease {
  private timer: NodeJS.Timeout | null = null;
  /** When the last request left that renewed the lease; monotonic. */
  private keptAtMs = performance.now();
  private beating = false;
  private stopped = false;

  constructor(
    private readonly control: ControlPlane,
    private readonly task: TaskReady,
    private readonly grant: Grant,
    private readonly journal: ProgressJournal,
    private readonly consumed: () => Consumed,
    private readonly events: LeaseEvents,
    private readonly log: Logger,
  ) {}

  start(): void {
    // Expiry is looked at on every tick, also while an earlier heartbeat still waits for its answer.
    this.timer = setInterval(() => this.tick(), this.grant.heartbeatMs);
  }

  stop(): void {
    this.stopped = true;
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
  }

  private tick(): void {
    if (performance.now() - this.keptAtMs > this.grant.leaseMs) {
      this.stop();
      this.events.lost('expired');
      return;
    }
    if (!this.beating) void this.beat();
  }

  /** One heartbeat now; resolves with what the control plane said, `unheard` when it did not answer. */
  async beat(): Promise<'kept' | 'cancel' | 'lost' | 'unheard'> {
    this.beating = true;
    const sentAtMs = performance.now();
    const report = this.journal.report();
    try {
      const { outcome } = await this.control.heartbeat(
        {
          v: 1,
          tenantId: this.task.tenantId,
          taskId: this.task.taskId,
          fence: this.grant.fence,
          consumed: this.consumed(),
          progress: report,
        },
        Math.max(200, Math.min(2000, this.grant.leaseMs / 3)),
      );
      if (outcome === 'lost') {
        if (!this.stopped) this.events.lost('refused');
        this.stop();
        return outcome;
      }
      this.keptAtMs = sentAtMs;
      this.journal.acknowledged(report);
      if (outcome === 'cancel' && !this.stopped) this.events.canceled();
      return outcome;
    } catch (error) {
      this.journal.refused();
      const reason = error instanceof ControlUnavailable ? error.reason : 'failed';
      this.log.warn({ taskId: this.task.taskId, reason }, 'heartbeat not heard');
      return 'unheard';
    } finally {
      this.beating = false;
    }
  }
}
