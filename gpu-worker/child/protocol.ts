/** What worker and task child say to each other over IPC. The child ran hostile bytes: what it says is parsed. */
import { z } from 'zod';
import { Epoch, Phase, Sink, Source, TaskPayload, TaskResult, TrialReport } from '../../contracts';

export const TASK_GROUPS = ['train', 'data'] as const;
export type TaskGroup = (typeof TASK_GROUPS)[number];

export const ToChild = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('run'),
    payload: TaskPayload,
    scratchDir: z.string(),
    checkpoint: Source.nullable(),
    /** Milliseconds since 1970, by the clock that both share: when the worker ends the task. */
    endsAtMs: z.number(),
  }),
  /** Answer to `checkpoint`; null: not now. */
  z.object({ type: z.literal('sink'), sink: Sink.nullable() }),
  z.object({ type: z.literal('abort') }),
]);
export type ToChild = z.infer<typeof ToChild>;

export const ChildProgress = z.object({
  type: z.literal('progress'),
  phase: Phase,
  fraction: z.number(),
  message: z.string().nullable(),
  epochs: z.array(Epoch),
  trials: z.array(TrialReport),
});
export type ChildProgress = z.infer<typeof ChildProgress>;

export const ChildFailure = z.object({
  type: z.literal('failed'),
  code: z.string(),
  message: z.string(),
  hint: z.string().nullable(),
  column: z.string().nullable(),
  /** For the log: error class and stack frames, no message. */
  origin: z.object({ name: z.string(), at: z.string() }).nullable(),
});
export type ChildFailure = z.infer<typeof ChildFailure>;

export const FromChild = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready') }),
  ChildProgress,
  /** Asks where to store a checkpoint. */
  z.object({ type: z.literal('checkpoint') }),
  z.object({ type: z.literal('done'), result: TaskResult }),
  ChildFailure,
]);
export type FromChild = z.infer<typeof FromChild>;
