/** For tests: the steps of an automatic training as workers take them, played by hand for the first tenant. */
import { MlpSpec } from '../../../contracts';
import type {
  Device,
  Progress,
  SearchPayload,
  SearchResult,
  SearchShape,
  TrialPayload,
  TrialReport,
  TrialSpec,
} from '../../../contracts';
import type { Budget } from '../budget';
import type { Job } from '../training.entity';
import type { Grant, Stage } from './stage';

export const shape: SearchShape = {
  task: 'regression',
  rows: 8,
  numbers: 1,
  categories: 0,
  times: 0,
  width: 1,
  classes: 0,
  split: 'random',
  folds: 5,
};
export const trial = (id: number, set: Partial<TrialSpec> = {}): TrialSpec => ({
  id,
  candidate: id,
  wave: 0,
  rung: 0,
  spec: MlpSpec.parse({ family: 'mlp', hidden: [id + 1] }),
  folds: [0],
  rowShare: 1,
  seconds: null,
  ...set,
});

/** `at`: the stage, once it stands. */
export const searchByHand = (at: () => Stage) => {
  const job = (id: Job['id']) => at().training.get(at().a.ctx, id);
  const tasksOf = (id: Job['id'], kind: string) =>
    at().within(at().a, async (tx) =>
      (
        await tx.query<{ id: Grant['taskId'] }[]>(
          `select id from app.task where owner_id = $1 and kind = $2 and state in ('QUEUED', 'RUNNING') order by id`,
          [id, kind],
        )
      ).map((row) => row.id),
    );
  const trialsOf = (id: Job['id']) =>
    at().within(at().a, (tx) =>
      tx.query<{ id: number; state: string; error_code: string | null }[]>(
        'select id, state, error_code from app.trial where job_id = $1 order by id',
        [id],
      ),
    );

  const begin = async (spec: Record<string, unknown> = {}, budget?: Budget) => {
    const version = await at().seal(at().a);
    return at().start(at().a, version.id, { family: 'auto', ...spec }, budget);
  };
  const search = async (id: Job['id'], device?: Device) =>
    at().claim<SearchPayload>(at().a, (await job(id)).taskId, 'search', device);
  const send = (grant: Grant, trials: TrialSpec[][], expectedMs = 10) =>
    at().succeed(grant, {
      kind: 'search',
      next: {
        step: 'trials',
        messages: trials.map((message) => ({ trials: message, expectedMs })),
        shape,
        assembleMs: 0,
      },
    });
  const done = async (asked: TrialPayload['trials'][number], score: number): Promise<TrialReport> => ({
    state: 'done',
    outcome: {
      status: 'done',
      trial: asked.trial,
      folds: [{ fold: 0, rows: 2, loss: score, error: 0.1, iterations: 3 }],
      seconds: 0.5,
      microsPerRow: 2,
      bytes: 100,
    },
    score: { metric: 'rmse', score, low: score - 0.1, high: score + 0.1 },
    files: {
      model: await at().write(asked.files.model, Buffer.from(`model ${asked.trial.id}`)),
      predictions: await at().write(asked.files.predictions, Buffer.from(`predictions ${asked.trial.id}`)),
      inputs: await at().write(asked.files.inputs, Buffer.from('[]')),
    },
  });
  const finishTrials = async (grant: Grant<TrialPayload>, scores: number[], computeNs?: string) => {
    const reports = await Promise.all(grant.payload.trials.map((each, nth) => done(each, scores[nth] ?? 1)));
    return at().finish(grant, { status: 'succeeded', result: { kind: 'trial', trials: reports } }, computeNs);
  };
  const make = async (grant: Grant<SearchPayload>, computeNs?: string) => {
    const result: SearchResult = {
      kind: 'search',
      next: {
        step: 'done',
        manifest: at().manifest(
          { ...grant.payload, kind: 'train' },
          await at().writeModel({ ...grant.payload, kind: 'train' }),
        ),
      },
    };
    return at().finish(grant, { status: 'succeeded', result }, computeNs);
  };
  const progress = (grant: Grant, trials: TrialReport[]): Progress => ({
    v: 1,
    tenantId: grant.tenant.tenantId,
    taskId: grant.taskId,
    fence: grant.fence,
    phase: 'TUNING',
    fraction: 0.2,
    message: null,
    epochs: [],
    trials,
    atMs: 0,
  });

  return { job, tasksOf, trialsOf, begin, search, send, done, finishTrials, make, progress };
};
