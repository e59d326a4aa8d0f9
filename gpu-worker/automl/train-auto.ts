/** A whole search in one process: the same steps that a search of many tasks takes. */
import { Failure, MOST_TRIALS, isFailureCode } from '../../contracts';
import type {
  AutoSpec,
  LeaderboardRow,
  SearchBudget,
  SearchShape,
  TrialOutcome,
  TrialSpec,
} from '../../contracts';
import type { TrainingContext, TrainingData } from '../family/data';
import { fitPreparation, preparedWidth } from '../prepare/preparation';
import { STANDARD } from '../prepare/encoding';
import type { SupervisedTarget } from '../prepare/target';
import { assemble } from './assemble';
import type { Assembled } from './assemble';
import { leaderboard } from './leaderboard';
import { planSearch, rungsBegun } from './plan';
import { portfolio, requireOffered, titleOf } from './portfolio';
import { loadSearch, saveSearch } from './saved-search';
import type { SearchProgress } from './saved-search';
import { searchFolds } from './split';
import { FoldedData, runTrial } from './trial';
import type { Clock } from './trial';

/** More classes than this make every fold model a table of its own. */
const MOST_CLASSES = 1000;

export interface AutoTrained extends Assembled {
  readonly leaderboard: readonly LeaderboardRow[];
}

/** `data` with its folds, and what a search decides by. Throws BAD_SPEC, TARGET_TOO_MANY_CLASSES, NO_USABLE_FEATURES. */
export const openSearch = (
  data: TrainingData<SupervisedTarget>,
  spec: AutoSpec,
  seed: number,
): { readonly folded: FoldedData; readonly shape: SearchShape } => {
  const { target, columns, training } = data;
  const classes = target.task === 'classification' ? target.classes.length : 0;
  if (classes > MOST_CLASSES)
    throw new Failure('TARGET_TOO_MANY_CLASSES', `the target has ${classes} classes`, {
      hint: `at most ${MOST_CLASSES} are searched for; group the rare ones, or name a family`,
    });
  const { split, folds } = searchFolds(data, spec, seed);
  const preparation = fitPreparation(columns, training, STANDARD);
  const count = (kind: string): number => preparation.fits.filter((fit) => fit.kind === kind).length;
  const shape: SearchShape = {
    task: target.task,
    rows: training.length,
    numbers: count('number'),
    categories: count('category'),
    times: count('time'),
    width: preparedWidth(preparation),
    classes,
    split,
    folds: folds.length,
  };
  requireOffered(spec.families, portfolio(shape), target.task);
  return { folded: new FoldedData(data, folds, split, seed), shape };
};

/** Share of the progress that the trials are. */
const TRIALS_SHARE = 0.9;

/**
 * Searches over `data.training` until the portfolio or the budget is spent. `clock` counts milliseconds; the budget in
 * seconds is checked between trials and, by the families, within them. After a kill it goes on with the first trial that
 * had not ended, and the seconds count anew.
 */
export const trainAuto = async (
  data: TrainingData<SupervisedTarget>,
  spec: AutoSpec,
  context: TrainingContext,
  { clock = () => performance.now(), tell = () => undefined }: AutoOptions = {},
): Promise<AutoTrained> => {
  const started = clock();
  const { checkpoints, ...plain } = context;
  const { folded, shape } = openSearch(data, spec, context.seed);
  const search: SearchProgress = checkpoints?.latest
    ? loadSearch(checkpoints.latest)
    : { outcomes: [], artefacts: [], pending: [] };
  const elapsed = (): number => (clock() - started) / 1000;
  for (;;) {
    if (search.pending.length === 0)
      search.pending = planSearch({
        spec,
        shape,
        outcomes: search.outcomes,
        budget: left(spec, search, elapsed()),
      });
    if (search.pending.length === 0) break;
    await runRung(folded, search, plain, {
      clock,
      tell,
      offer: () => checkpoints?.offer(() => saveSearch(search)),
    });
  }
  if (search.artefacts.length === 0) throw whyNone(search.outcomes);
  context.progress(TRIALS_SHARE, [], `joining the best of ${search.outcomes.length} trials`);
  const trained = await assemble(folded, search.artefacts, {
    ...plain,
    progress: () => undefined,
    leftMs: () => Math.min(context.leftMs?.() ?? Infinity, ((spec.seconds ?? Infinity) - elapsed()) * 1000),
  });
  context.progress(1, []);
  return { ...trained, leaderboard: leaderboard(search.outcomes, data.target, trained.weights) };
};

export interface AutoOptions {
  readonly clock?: Clock;
  /** A trial begins, or has ended. */
  readonly tell?: (news: TrialSpec | TrialOutcome) => void;
}

/** Runs what is pending, each within what is left of the time of the rung; what does not fit any more is dropped. */
const runRung = async (
  folded: FoldedData,
  search: SearchProgress,
  context: TrainingContext,
  { clock, tell, offer }: Required<AutoOptions> & { readonly offer: () => void },
): Promise<void> => {
  const began = clock();
  const before = progressBefore(search);
  const planned = search.pending.length;
  for (let trial = search.pending[0]; trial !== undefined; trial = search.pending[0]) {
    const seconds = trial.seconds === null ? null : trial.seconds - (clock() - began) / 1000;
    if (seconds !== null && seconds <= 0 && search.artefacts.length > 0) {
      search.pending = [];
      return;
    }
    const limited = { ...trial, seconds: seconds === null ? null : Math.max(seconds, 0.001) };
    tell(limited);
    const at = planned - search.pending.length;
    const message = `${titleOf(trial.spec)}, folds ${trial.folds.map((fold) => fold + 1).join(', ')}`;
    const { outcome, files } = await runTrial(folded, limited, {
      ...context,
      clock,
      progress: (fraction) =>
        context.progress(
          TRIALS_SHARE * (before + ((1 - before) / 2) * ((at + fraction) / planned)),
          [],
          message,
        ),
    });
    search.outcomes.push(outcome);
    if (outcome.status === 'done' && files !== null) search.artefacts.push({ outcome, files });
    search.pending = search.pending.slice(1);
    tell(outcome);
    offer();
  }
};

/** Each rung takes about half of what is left to do. */
const progressBefore = ({ outcomes }: SearchProgress): number => 1 - 0.5 ** rungsBegun(outcomes);

const left = (spec: AutoSpec, { outcomes }: SearchProgress, elapsed: number): SearchBudget => ({
  totalMs: spec.seconds === null ? null : spec.seconds * 1000,
  leftMs: spec.seconds === null ? null : Math.max(0, (spec.seconds - elapsed) * 1000),
  computeLeftMs: null,
  trialsLeft: Math.max(0, Math.min(spec.trials ?? MOST_TRIALS, MOST_TRIALS) - outcomes.length),
  workers: 1,
});

const whyNone = ([first]: readonly TrialOutcome[]): Failure =>
  first?.status === 'failed'
    ? new Failure(isFailureCode(first.code) ? first.code : 'INTERNAL', first.message)
    : new Failure('BAD_SPEC', 'there is nothing to try for this task', { path: ['spec', 'families'] });
