/** Every NATS name in one place. Only features of NATS 2.9 are used. */
import type { TaskId, TenantId } from './ids';
import type { TaskKind } from './task';

export const STREAMS = {
  /** Work queue: a message is removed once settled. Subjects `mm.task.<kind>`. */
  tasks: { name: 'MM_TASKS', subjects: ['mm.task.*'] },
  /** Log with limits: kept for a week as a replayable source. Subjects `mm.usage.<producer>`. */
  usage: { name: 'MM_USAGE', subjects: ['mm.usage.*'] },
} as const;

/** Durable consumer of the work queue, one a kind, that all workers share. */
export const workerConsumer = (kind: TaskKind): string => `worker-${kind}`;

export const subject = {
  task: (kind: TaskKind): string => `mm.task.${kind}`,
  usage: (producer: string): string => `mm.usage.${producer}`,
  claim: 'mm.control.claim',
  heartbeat: 'mm.control.heartbeat',
  finish: 'mm.control.finish',
  checkpoint: 'mm.control.checkpoint',
  progress: (tenant: TenantId, task: TaskId): string => `mm.progress.${tenant}.${task}`,
  /** A dataset version or job of this id changed its state: read it again. No payload that matters. */
  state: (tenant: TenantId, owner: string): string => `mm.state.${tenant}.${owner}`,
  cancel: (task: TaskId): string => `mm.cancel.${task}`,
  /** Cache invalidation between gateways; payload names what changed. */
  changed: 'mm.changed',
  /** A gateway's own pulse through NATS: missing it for 1 s makes its caches stale. */
  pulse: (gateway: string): string => `mm.pulse.${gateway}`,
} as const;
