import type { Logger } from '../log';
import { TaskChild } from './task-child';
import type { ChildCommand } from './task-child';

/** The next child is spawned a while after a task started, so that loading its modules does not slow that task down. */
const REPLACE_AFTER_MS = 1500;
const FIRST_RESPAWN_MS = 100;
const LAST_RESPAWN_MS = 5000;

/** Keeps one warm child per group, so that a claimed task starts at once. A child is handed out once. */
export class ChildPool {
  private idle: TaskChild | null = null;
  private timer: NodeJS.Timeout | null = null;
  private stopped = false;
  private earlyDeaths = 0;
  private readonly living = new Set<TaskChild>();

  constructor(
    private readonly command: ChildCommand,
    private readonly log: Logger,
  ) {
    this.refill();
  }

  /** A child for one task; the caller sees to its end. */
  take(): TaskChild {
    const child = this.idle?.isAlive ? this.idle : this.spawn();
    this.idle = null;
    this.schedule(REPLACE_AFTER_MS);
    void child.exited.then(() => this.refill());
    return child;
  }

  /** Resolves when a child is loaded and waiting. */
  async warm(): Promise<void> {
    await this.idle?.ready;
  }

  /** Kills every child and waits until they are gone. */
  async stop(): Promise<void> {
    this.stopped = true;
    if (this.timer !== null) clearTimeout(this.timer);
    for (const child of this.living) child.kill();
    await Promise.all([...this.living].map((child) => child.exited));
  }

  private spawn(): TaskChild {
    const child = new TaskChild(this.command);
    this.living.add(child);
    void child.exited.then(() => this.living.delete(child));
    return child;
  }

  private refill(): void {
    if (this.stopped || this.idle?.isAlive) return;
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    const child = this.spawn();
    this.idle = child;
    void child.ready.then((ready) => {
      if (ready) this.earlyDeaths = 0;
    });
    void child.exited.then(() => {
      if (this.idle !== child) return; // handed out: its task reports the end
      this.idle = null;
      if (this.stopped) return;
      const delayMs = Math.min(LAST_RESPAWN_MS, FIRST_RESPAWN_MS * 2 ** this.earlyDeaths++);
      this.log.error({ group: this.command.group, delayMs }, 'an idle task process died');
      this.log.debug({ group: this.command.group, stderr: child.stderrTail() }, 'its error output');
      this.schedule(delayMs);
    });
  }

  private schedule(delayMs: number): void {
    if (this.stopped || this.timer !== null) return;
    this.timer = setTimeout(() => {
      this.timer = null;
      this.refill();
    }, delayMs);
  }
}
