/** Candidates trained one after the other in one task: for what a search by folds does not know, or could not afford. */
import { Failure } from '../../../contracts';
import type { AutoSpec, ConcreteSpec } from '../../../contracts';
import { trainConcrete } from '../../family/concrete';
import type { Checkpoints, TrainingContext, TrainingData } from '../../family/data';
import type { Trained } from '../../family/trained';
import { requireOffered, titleOf } from '../portfolio';

/** Share of the learning rows that are kept apart to choose by. */
export const CHOOSING_FRACTION = 0.2;
/** A candidate must have smaller errors than those before it by this share: they are simpler, surer or quicker. */
const CLEARLY = 0.02;

export interface Contest {
  /** In the order in which they are tried; the first is tried whatever it takes. */
  readonly candidates: readonly ConcreteSpec[];
  /** Of rows that were not learned from, the lower the better, equally many each time. Not asked of the only candidate. */
  readonly errors: (trained: Trained) => Promise<number[]>;
}

/**
 * The best of the contest within the seconds and trials of the spec, of its `families` only. A candidate that fails is
 * passed over while another one does not; after a kill those that were judged are not tried again, but for the best.
 * Throws BAD_SPEC for a family that is not in the contest.
 */
export const bestInTurn = async (
  { seconds, trials, families }: AutoSpec,
  { candidates, errors }: Contest,
  data: TrainingData,
  context: TrainingContext,
): Promise<Trained> => {
  requireOffered(families, candidates, data.target.task);
  const tried = candidates
    .filter(({ family }) => families?.includes(family) ?? true)
    .slice(0, trials ?? undefined);
  const end = seconds === null ? Infinity : performance.now() + 1000 * seconds;
  const over = (): boolean => performance.now() > end || context.enough?.() === true;
  const alone = tried.length === 1;
  const train = (at: number, signal: AbortSignal): Promise<Trained> =>
    trainConcrete(tried[at], data, {
      ...context,
      signal,
      enough: over,
      // Epochs and checkpoints belong to one training.
      checkpoints: alone ? context.checkpoints : undefined,
      progress: (fraction, epochs) =>
        context.progress(
          (at + fraction) / tried.length,
          alone ? epochs : [],
          `candidate ${at + 1} of ${tried.length}: ${titleOf(tried[at])}`,
        ),
    });
  if (alone) return train(0, context.signal);
  const judged = restored(context.checkpoints);
  let kept: { readonly at: number; readonly trained: Trained } | undefined;
  let failure: Failure | undefined;
  for (let at = judged.length; at < tried.length && !(at > 0 && over()); at++) {
    try {
      const trained =
        kept === undefined
          ? await train(at, context.signal)
          : await unlessLate(over, context, (signal) => train(at, signal));
      if (trained === undefined) break;
      const found = await errors(trained);
      judged.push(found.every(Number.isFinite) ? found : null);
      if (bestOf(judged) === at) kept = { at, trained };
    } catch (thrown) {
      if (context.signal.aborted || !(thrown instanceof Failure)) throw thrown;
      judged.push(null);
      failure ??= thrown;
    }
    context.checkpoints?.offer(() => Buffer.from(JSON.stringify(judged)));
  }
  const best = bestOf(judged);
  if (kept?.at === best) return kept.trained;
  if (failure !== undefined) throw failure;
  return train(best, context.signal);
};

/** Errors of a candidate; null: it has none. */
type Judged = readonly number[] | null;

/** The last that was clearly better, in every way, than the best before it. */
const bestOf = (judged: readonly Judged[]): number =>
  judged.reduce<number>((best, one, at) => (isBetter(one, judged[best]) ? at : best), 0);

const isBetter = (one: Judged, other: Judged): boolean =>
  one !== null &&
  (other === null || one.every((error, way) => error < (1 - CLEARLY) * (other[way] ?? Infinity)));

const restored = (checkpoints: Checkpoints | undefined): Judged[] =>
  checkpoints?.latest ? (JSON.parse(Buffer.from(checkpoints.latest).toString('utf8')) as Judged[]) : [];

const POLL_MS = 100;
/** Trainings that can end early do so once they are asked to; any other has so long, and is dropped then. */
const LATE_MS = 2000;
/** Of the time that is left until the task is ended, at most. */
const LATE_SHARE = 0.25;

const unlessLate = async <T>(
  over: () => boolean,
  { signal, leftMs = () => Infinity }: TrainingContext,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T | undefined> => {
  const late = new AbortController();
  let end: number | undefined;
  const timer = setInterval(() => {
    if (!over()) return;
    end ??= performance.now() + Math.min(LATE_MS, LATE_SHARE * leftMs());
    if (performance.now() >= end) late.abort();
  }, POLL_MS);
  try {
    return await work(AbortSignal.any([signal, late.signal]));
  } catch (error) {
    if (late.signal.aborted && !signal.aborted) return undefined;
    throw error;
  } finally {
    clearInterval(timer);
  }
};
