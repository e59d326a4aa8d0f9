/**
 * An automatic search as messages: what was seen of the data, the trials that it asks for, and what came out of each.
 * Trials are independent of each other, so that any worker may take any of them.
 */
import { z } from 'zod';
import { LearningTask } from './column';
import type { ColumnSpec } from './column';
import { ConcreteSpec, SplitKind } from './spec';
import { ModelSignature, StoredFile } from './training';

/**
 * Whether `auto` searches by folds, with trials that any worker may take. What it does otherwise, for pictures and for tasks
 * without one known answer a row, is one task: the families are tried in turn.
 */
export const isSearched = ({
  task,
  columns,
  exclude,
}: {
  readonly task: LearningTask;
  readonly columns: readonly ColumnSpec[];
  readonly exclude: readonly string[];
}): boolean =>
  (task === 'regression' || task === 'classification') &&
  !columns.some(({ name, type }) => type === 'image' && !exclude.includes(name));

/** What a search decides by; made once from the sealed data, equal for equal data. */
export const SearchShape = z.object({
  task: LearningTask,
  /** Rows that may be learned from. */
  rows: z.number().int(),
  numbers: z.number().int(),
  categories: z.number().int(),
  times: z.number().int(),
  /** Features of the standard encoding. */
  width: z.number().int(),
  /** 0 for a regression. */
  classes: z.number().int(),
  split: SplitKind,
  /** How many pairs of training and validation rows there are. */
  folds: z.number().int(),
});
export type SearchShape = z.infer<typeof SearchShape>;

/** One configuration on some of the folds. */
export const TrialSpec = z.object({
  /** Counts from 0 in the order of planning; unique in its search. */
  id: z.number().int(),
  /** Counts from 0 in the order in which they were thought of: trials of one candidate add up. */
  candidate: z.number().int(),
  /** 0: the portfolio; then variations of its leaders, which go through all rungs again. */
  wave: z.number().int().default(0),
  rung: z.number().int(),
  spec: ConcreteSpec,
  folds: z.array(z.number().int()).min(1),
  /** Share of the training rows of each fold, (0, 1]; below 1 only to compare, never part of the model. */
  rowShare: z.number().positive().max(1),
  /** Ends with the best so far after this long; null: no limit. */
  seconds: z.number().positive().nullable(),
});
export type TrialSpec = z.infer<typeof TrialSpec>;

export const FoldScore = z.object({
  fold: z.number().int(),
  /** Validation rows. */
  rows: z.number().int(),
  /** Mean over the validation rows: squared error of the standardised target, or log loss. */
  loss: z.number(),
  /** Standard error of that mean. */
  error: z.number(),
  /** Epochs, trees or the like after which the fold did best; null where the family has none. */
  iterations: z.number().int().nullable(),
});
export type FoldScore = z.infer<typeof FoldScore>;

/**
 * What a trial came to. Two files go with it: an ONNX model, typed columns -> `output` [rows, width], the mean of the
 * folds' models; and float32 little-endian predictions for the validation rows of its folds, one fold after the other.
 */
const DoneTrial = z.object({
  status: z.literal('done'),
  trial: TrialSpec,
  /** Fewer than were asked for when the time ran out in between. */
  folds: z.array(FoldScore).min(1),
  inputs: ModelSignature.shape.inputs,
  seconds: z.number(),
  /** Of the trial's ONNX model: time a row in a batch, and size. */
  microsPerRow: z.number(),
  bytes: z.number().int(),
  /** To write it, open it and run it first, part of `seconds`; what making a model of it will take follows from that. */
  fileSeconds: z.number().optional(),
});
const FailedTrial = z.object({
  status: z.literal('failed'),
  trial: TrialSpec,
  code: z.string(),
  message: z.string(),
  seconds: z.number(),
});
export const TrialOutcome = z.discriminatedUnion('status', [DoneTrial, FailedTrial]);
export type TrialOutcome = z.infer<typeof TrialOutcome>;

/** One candidate as the user sees it. */
export const LeaderboardRow = z.object({
  candidate: z.number().int(),
  title: z.string(),
  spec: ConcreteSpec,
  /** `rmse` in target units, or `logLoss`: of rows that were not learned from; the interval is one of 95 %. */
  metric: z.enum(['rmse', 'logLoss']),
  score: z.number(),
  low: z.number(),
  high: z.number(),
  folds: z.number().int(),
  seconds: z.number(),
  microsPerRow: z.number(),
  bytes: z.number().int(),
  /** Share in the ensemble, 0 to 1; null while the search goes on. */
  weight: z.number().nullable(),
});
export type LeaderboardRow = z.infer<typeof LeaderboardRow>;

/** Trials of one job: keeps every message below the limit of the message server. */
export const MOST_TRIALS = 200;

/** Of the budget of a search, kept at least for making its model: planned for by the worker, held to by the gateway. */
export const ASSEMBLE_SHARE = 0.1;

/** What a trial keeps until its job ends: the two files of `TrialOutcome`, and its `inputs` as JSON. */
const trialFiles = <T extends z.ZodType>(each: T) =>
  z.object({ model: each, predictions: each, inputs: each });
export const TrialFiles = trialFiles(StoredFile);
export type TrialFiles = z.infer<typeof TrialFiles>;

/** News of a trial, told as soon as it is known; the same news again changes nothing. */
export const TrialReport = z.discriminatedUnion('state', [
  z.object({ state: z.literal('running'), trial: TrialSpec }),
  z.object({
    state: z.literal('done'),
    outcome: DoneTrial.omit({ inputs: true }),
    /** As the user sees it; the interval is one of 95 %. */
    score: LeaderboardRow.pick({ metric: true, score: true, low: true, high: true }),
    /** Null where the process that ran the trial also made the model. */
    files: TrialFiles.nullable(),
  }),
  z.object({ state: z.literal('failed'), outcome: FailedTrial }),
]);
export type TrialReport = z.infer<typeof TrialReport>;

/** What is left when a search task is granted; hard limits. */
export const SearchBudget = z.object({
  /** Of the whole job, wall-clock; null: no limit. */
  totalMs: z.number().nullable(),
  /** Until the job must have its model, making it included. */
  leftMs: z.number().nullable(),
  /** Time of all workers together, where the budget is money; null: no such limit. */
  computeLeftMs: z.number().nullable(),
  /** Trials that may still be started. */
  trialsLeft: z.number().int(),
  /** Worker slots that could take trials now, this one included. */
  workers: z.number().int().min(1),
});
export type SearchBudget = z.infer<typeof SearchBudget>;
