/**
 * What a search does next: a pure function of what it has seen. Successive halving (Jamieson & Talwalkar 2016) in rungs
 * of folds: every candidate is judged on the first ones, the best go on to the next, and what a candidate learned in
 * earlier rungs stays part of its model. A rung is planned as a whole once the last one has ended, so that the order in
 * which its trials finish decides nothing. After the portfolio has gone through all rungs, so do variations of its
 * leaders, in waves, while the budget lasts: their number is bounded, so that a small search ends by itself and not by
 * the clock.
 */
import type {
  AutoSpec,
  ConcreteSpec,
  SearchBudget,
  SearchShape,
  TrialOutcome,
  TrialSpec,
} from '../../contracts';
import { ASSEMBLE_SHARE } from '../../contracts';
import { expectedSeconds, paceOf } from './expected-seconds';
import { MARGIN, makingSeconds } from './making';
import { portfolio } from './portfolio';
import { pooled } from './score';
import { FEW_ROWS } from './split';
import { variations } from './variations';

export interface SearchState {
  readonly spec: AutoSpec;
  readonly shape: SearchShape;
  readonly outcomes: readonly TrialOutcome[];
  /** Now; all limits null: as much as it takes. */
  readonly budget: SearchBudget;
}

/** The portfolio and twice what lies next to its leaders. */
const WAVES = 3;

/** Trials of one rung, in the order of their promise; none: it is time to make the model. */
export const planSearch = (state: SearchState): TrialSpec[] => {
  const { shape, outcomes } = state;
  const rungs = rungsOf(shape);
  const begun = rungsBegun(outcomes);
  const wave = Math.floor(begun / rungs.length);
  const rung = begun % rungs.length;
  const to = rungs[rung];
  if (to === undefined || wave >= WAVES) return [];
  const from = rungs[rung - 1] ?? 0;
  const folds = Array.from({ length: to - from }, (_, i) => from + i);
  const trials = candidatesOf(state, wave, rung).map((candidate, at): TrialSpec => {
    return { id: outcomes.length + at, ...candidate, wave, rung, folds, rowShare: 1, seconds: null };
  });
  return withinBudget(trials, rung, rungs.length, state);
};

/** Over all waves. */
export const rungsBegun = (outcomes: readonly TrialOutcome[]): number =>
  new Set(outcomes.map(({ trial: { wave, rung } }) => `${wave}.${rung}`)).size;

/** Those that a wave begins with, or that go on within it. */
const candidatesOf = (
  { shape, outcomes, spec, budget }: SearchState,
  wave: number,
  rung: number,
): Pick<TrialSpec, 'candidate' | 'spec'>[] => {
  if (rung > 0) {
    const specs = new Map(outcomes.map(({ trial }) => [trial.candidate, trial.spec]));
    const inWave = outcomes.filter(({ trial }) => trial.wave === wave);
    return promoted(inWave, rung - 1).flatMap((candidate) => {
      const one = specs.get(candidate);
      return one === undefined ? [] : [{ candidate, spec: one }];
    });
  }
  // Few rows cannot tell a variation from its leader; too few trials to come through all rungs are spent for nothing.
  if (wave > 0 && (shape.rows < FEW_ROWS || budget.trialsLeft < rungsOf(shape).length)) return [];
  const specs =
    wave === 0
      ? portfolio(shape, spec.families)
      : variations(
          leadersFirst(outcomes),
          outcomes.map(({ trial }) => trial.spec),
          shape,
        );
  const first = 1 + Math.max(-1, ...outcomes.map(({ trial }) => trial.candidate));
  return specs.map((one, at) => ({ candidate: first + at, spec: one }));
};

/** Specs by loss among those that came equally far, furthest first. */
const leadersFirst = (outcomes: readonly TrialOutcome[]): ConcreteSpec[] =>
  standings(outcomes)
    .sort((a, b) => b.byFold.size - a.byFold.size)
    .map(({ spec }) => spec);

/** How many folds a candidate has been judged on at the end of each rung: the fewer the rows, the more at once. */
export const rungsOf = ({ rows, folds, split }: SearchShape): number[] => {
  if (split === 'time') return ascending([Math.min(2, folds), folds]);
  if (rows < FEW_ROWS) return ascending([Math.ceil(folds / 2), folds]);
  if (rows < 20_000) return ascending([1, Math.min(3, folds), folds]);
  return ascending([1, Math.min(3, folds)]);
};

const ascending = (rungs: readonly number[]): number[] => [...new Set(rungs)].sort((a, b) => a - b);

/** A family's best goes on, whatever its place, while its loss is at most this many times the best: it may add to others. */
const STILL_OF_USE = 1.15;

/**
 * The better half of those judged last, best first; then whoever cannot be told from the last of them by the paired
 * differences of the folds, and the best of each other family while it is near enough to be of use in an ensemble.
 */
export const promoted = (outcomes: readonly TrialOutcome[], rung: number): number[] => {
  const ranked = standings(outcomes).filter(({ rungs }) => rungs.includes(rung));
  const quota = Math.ceil(ranked.length / 2);
  const [best] = ranked;
  const bar = ranked[quota - 1];
  if (best === undefined || bar === undefined) return [];
  const families = new Set<string>();
  return ranked.flatMap((one, place) => {
    const first = !families.has(one.spec.family);
    families.add(one.spec.family);
    const near = place < quota + Math.ceil(quota / 2) && indistinct(one, bar);
    const useful = first && one.loss <= STILL_OF_USE * best.loss;
    return place < quota || near || useful ? [one.candidate] : [];
  });
};

export interface Standing {
  readonly candidate: number;
  readonly spec: ConcreteSpec;
  readonly rungs: readonly number[];
  /** Over all of its folds. */
  readonly loss: number;
  readonly error: number;
  readonly byFold: ReadonlyMap<number, number>;
}

type DoneOutcome = Extract<TrialOutcome, { status: 'done' }>;

/** Candidates by loss, those judged on more folds not before those judged on fewer. */
export const standings = (outcomes: readonly TrialOutcome[]): Standing[] => {
  const byCandidate = new Map<number, [DoneOutcome, ...DoneOutcome[]]>();
  for (const outcome of outcomes) {
    if (outcome.status !== 'done') continue;
    const { candidate } = outcome.trial;
    const known = byCandidate.get(candidate);
    if (known === undefined) byCandidate.set(candidate, [outcome]);
    else known.push(outcome);
  }
  return [...byCandidate]
    .map(([candidate, trials]) => {
      const folds = trials.flatMap((trial) => trial.folds);
      return {
        candidate,
        spec: trials[0].trial.spec,
        rungs: trials.map(({ trial }) => trial.rung),
        byFold: new Map(folds.map(({ fold, loss }) => [fold, loss])),
        ...pooled(folds),
      };
    })
    .sort((a, b) => a.loss - b.loss || a.candidate - b.candidate);
};

/** Less than one standard error apart on the folds that both were judged on; with one fold there is no telling. */
const indistinct = (one: Standing, other: Standing): boolean => {
  const differences = [...one.byFold].flatMap(([fold, loss]) => {
    const theirs = other.byFold.get(fold);
    return theirs === undefined ? [] : [loss - theirs];
  });
  if (differences.length < 2) return false;
  const mean = differences.reduce((sum, one_) => sum + one_, 0) / differences.length;
  const variance = differences.reduce((sum, one_) => sum + (one_ - mean) ** 2, 0) / (differences.length - 1);
  return mean < Math.sqrt(variance / differences.length);
};

/** Share of the time that is left which a rung may take, by how many rungs come after it. */
const SHARE_BEFORE_OTHERS = 0.55;
/** Kept for making the model of a search by time, whose members learn once more from all rows in the end. */
const REFIT_SHARE = 0.25;

/** The reserve for making the model is no larger a share than this, and holds this many of the leading candidates. */
const MOST_RESERVED = 0.4;
const LEADERS = 3;

/** Kept for making the model, by what the leaders so far would take; they may get more than a share of a short budget. */
export const assembleSeconds = (
  { totalMs }: SearchBudget,
  { split, rows }: SearchShape,
  outcomes: readonly TrialOutcome[],
): number => {
  if (totalMs === null) return 0;
  const total = totalMs / 1000;
  const leading = new Set(
    standings(outcomes)
      .slice(0, LEADERS)
      .map(({ candidate }) => candidate),
  );
  const trials = outcomes.flatMap((outcome) =>
    outcome.status === 'done' && leading.has(outcome.trial.candidate) ? [outcome] : [],
  );
  const making = MARGIN * makingSeconds(rows, trials);
  const share = split === 'time' ? REFIT_SHARE : ASSEMBLE_SHARE;
  return Math.max(total * share, Math.min(total * MOST_RESERVED, making));
};

/**
 * As many as fit; while nothing is done yet at least the one that is done soonest. Trials that `workers` take side by side
 * share the time; each gets what is left of its rung as its limit.
 */
const withinBudget = (
  wanted: readonly TrialSpec[],
  rung: number,
  rungs: number,
  { budget, shape, outcomes }: SearchState,
): TrialSpec[] => {
  // Candidates of a search by trials are few enough that the later rungs have some too: half of what is left each.
  const counted = rung === rungs - 1 ? budget.trialsLeft : Math.ceil((budget.trialsLeft * 4) / 7);
  const offered = wanted.slice(0, Math.max(budget.trialsLeft > 0 && outcomes.length === 0 ? 1 : 0, counted));
  const limits = [
    ...(budget.leftMs === null
      ? []
      : [(budget.leftMs / 1000 - assembleSeconds(budget, shape, outcomes)) * budget.workers]),
    ...(budget.computeLeftMs === null ? [] : [(budget.computeLeftMs / 1000) * (1 - ASSEMBLE_SHARE)]),
  ];
  if (limits.length === 0) return offered;
  const left = Math.max(0, Math.min(...limits)) * (rung === rungs - 1 ? 1 : SHARE_BEFORE_OTHERS);
  const must = !outcomes.some(({ status }) => status === 'done');
  const pace = paceOf(outcomes, shape);
  const costs = offered.map((trial) => pace(trial) * expectedSeconds(trial, shape));
  // What is done soonest goes first: it is what there is to make a model of, should time run out.
  const soonest = must ? costs.indexOf(Math.min(...costs)) : -1;
  const chosen = soonest < 0 ? [] : [soonest];
  let used = costs[soonest] ?? 0;
  for (const [at, cost] of costs.entries()) {
    if (at === soonest || used + cost > left) continue;
    chosen.push(at);
    used += cost;
  }
  const seconds = Math.max(0.05, left / budget.workers);
  return chosen.flatMap((at, nth) => {
    const trial = offered[at];
    return trial === undefined ? [] : [{ ...trial, id: outcomes.length + nth, seconds }];
  });
};
