/**
 * A **task** is what one worker does in one go, for a job or a dataset version. Claim, lease and fencing token belong to
 * the task; a feature says in a `TaskHandler` what its kind of task is given and what follows from its end.
 */
export { Checkpoints } from './checkpoints';
export { Follower } from './follow';
export { TaskQueue } from './task-queue';
export type { TaskQueueOptions } from './task-queue';
export { TASK_STATES, TASK_TRANSITIONS } from './task';
export type { NewTask, Task, TaskHandler, TaskState } from './task';
