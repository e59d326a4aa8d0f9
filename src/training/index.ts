/**
 * A **training job** is a request to make a model version of a sealed dataset version; a **retrain** is a job that first
 * joins what came back as feedback to the old rows, and compares its model with the current one.
 */
export { Job, JobEpoch, Trial, JOB_KINDS, JOB_STATES, JOB_TRANSITIONS } from './training.entity';
export type { JobKind, JobState } from './training.entity';
export { TrainingService } from './training.service';
export type { Retrain, StartTraining, TrainingParts } from './training.service';
export type { JobUpdate } from './job-progress';
export type { ChampionSource, FeedbackRow, FeedbackSource, TrainingMeter, TrainingUsage } from './ports';
export { JobResolver } from './training.resolver';
