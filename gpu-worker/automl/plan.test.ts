import { AutoSpec, LinearSpec } from '../../contracts';
import type { SearchBudget, SearchShape, TrialOutcome, TrialSpec } from '../../contracts';
import { assembleSeconds, planSearch, promoted, rungsOf } from './plan';
import { portfolio } from './portfolio';
import { variations } from './variations';

const shape: SearchShape = {
  ...{ task: 'regression', rows: 4000, numbers: 6, categories: 2, times: 0, width: 12, classes: 0 },
  ...{ split: 'random', folds: 5 },
};
const spec = AutoSpec.parse({ family: 'auto', seconds: null });
const endless: SearchBudget = {
  ...{ totalMs: null, leftMs: null, computeLeftMs: null, trialsLeft: 200, workers: 1 },
};

/** `loss` of each fold. */
const done = (trial: TrialSpec, loss: (fold: number) => number, seconds = 1): TrialOutcome => ({
  status: 'done',
  trial,
  folds: trial.folds.map((fold) => ({ fold, rows: 800, loss: loss(fold), error: 0.01, iterations: null })),
  ...{ inputs: [], seconds, microsPerRow: 1, bytes: 1 },
});

const trialOf = (candidate: number, family: 'linear' | 'mlp', folds: number[]): TrialSpec => {
  const found = portfolio(shape).find((each) => each.family === family);
  if (found === undefined) throw new Error(`no ${family} in the portfolio`);
  return { id: candidate, candidate, wave: 0, rung: 0, spec: found, folds, rowShare: 1, seconds: null };
};

/** The whole search, each rung answered by `loss` of (candidate, fold): its rungs over all waves. */
const played = (
  loss: (candidate: number, fold: number) => number,
  budget = endless,
  of = shape,
): TrialSpec[][] => {
  const outcomes: TrialOutcome[] = [];
  const rungs: TrialSpec[][] = [];
  for (;;) {
    const left = { ...budget, trialsLeft: budget.trialsLeft - outcomes.length };
    const next = planSearch({ spec, shape: of, outcomes, budget: left });
    if (next.length === 0) return rungs;
    rungs.push(next);
    outcomes.push(...next.map((trial) => done(trial, (fold) => loss(trial.candidate, fold))));
  }
};

describe('a search', () => {
  it('tries every candidate on the first folds, and ends with the best on all of them', () => {
    const rungs = played((candidate) => 1 + candidate);
    expect(rungs[0]?.map(({ candidate }) => candidate)).toEqual(portfolio(shape).map((_, i) => i));
    const ofFirst = rungs.flatMap((rung) => rung.filter(({ candidate }) => candidate === 0));
    expect(ofFirst.map(({ folds }) => folds)).toEqual([[0], [1, 2], [3, 4]]);
    expect(rungs[2]?.length).toBeLessThan(rungs[0]?.length ?? 0);
    expect(new Set(rungs.flat().map(({ id }) => id)).size).toBe(rungs.flat().length);
  });

  it('never plans more trials than there may be, and always the first', () => {
    for (const trialsLeft of [1, 2, 3, 5, 8]) {
      const rungs = played(() => 1, { ...endless, trialsLeft });
      expect(rungs.flat().length).toBeLessThanOrEqual(trialsLeft);
      expect(rungs.flat().length).toBeGreaterThan(0);
    }
  });

  it('gives every trial a limit within the time that is left', () => {
    const budget = { ...endless, totalMs: 10_000, leftMs: 10_000 };
    const [first] = played(() => 1, budget);
    for (const { seconds } of first ?? []) expect(seconds).toBeLessThan(9);
    expect(
      planSearch({
        spec,
        shape,
        outcomes: [done(trialOf(0, 'linear', [0]), () => 1)],
        budget: { ...budget, leftMs: 500 },
      }),
    ).toEqual([]);
  });

  it('begins with what is done soonest where time is short: a model can be made of it', () => {
    const [first] = played(() => 1, { ...endless, totalMs: 2000, leftMs: 2000 });
    expect(first?.[0]?.spec.family).toBe('linear');
  });

  it('keeps time for making the model: by what the files of the leaders took, within bounds', () => {
    const budget = { ...endless, totalMs: 20_000, leftMs: 20_000 };
    const reserve = (fileSeconds: number): number =>
      assembleSeconds(budget, shape, [
        { ...done(trialOf(0, 'mlp', [0]), () => 1), fileSeconds } as TrialOutcome,
      ]);
    expect(reserve(0)).toBe(2);
    expect(reserve(1)).toBeGreaterThan(6);
    expect(reserve(100)).toBe(8);
    expect(assembleSeconds(endless, shape, [])).toBe(0);
  });

  it('leaves out what at the measured pace would not fit', () => {
    const budget = { ...endless, totalMs: 60_000, leftMs: 30_000 };
    const first = played(() => 1)[0] ?? [];
    const slow = first.map((trial) => done(trial, () => 1, trial.candidate === 0 ? 100 : 0.1));
    const next = planSearch({ spec, shape, outcomes: slow, budget });
    expect(next.map(({ candidate }) => candidate)).not.toContain(0);
    expect(next.length).toBeGreaterThan(0);
  });

  it('has more folds at once where there are few rows, and the latest two first by time', () => {
    expect(rungsOf({ ...shape, rows: 300, folds: 10 })).toEqual([5, 10]);
    expect(rungsOf({ ...shape, rows: 50_000 })).toEqual([1, 3]);
    expect(rungsOf({ ...shape, split: 'time' })).toEqual([2, 5]);
  });
});

describe('waves of variations', () => {
  const waveOf = (rung: readonly TrialSpec[]): number | undefined => rung[0]?.wave;
  /** What has been done once the portfolio is through all rungs. */
  const afterPortfolio = (): TrialOutcome[] =>
    played(() => 1)
      .filter((rung) => waveOf(rung) === 0)
      .flat()
      .map((trial) => done(trial, () => 1));

  it('come after the portfolio, go through all rungs, and end', () => {
    // Each wave has a new leader.
    const rungs = played((candidate) => 1 / (1 + candidate));
    expect(rungs.map((rung) => [waveOf(rung), rung[0]?.rung])).toEqual(
      [0, 1, 2].flatMap((wave) => [0, 1, 2].map((rung) => [wave, rung])),
    );
    const candidates = rungs.flatMap((rung) => (rung[0]?.rung === 0 ? rung : []));
    expect(new Set(candidates.map(({ candidate }) => candidate)).size).toBe(candidates.length);
    expect(new Set(candidates.map((one) => JSON.stringify(one.spec))).size).toBe(candidates.length);
  });

  it.each([
    ['trials', { trialsLeft: 2 }],
    ['seconds', { totalMs: 60_000, leftMs: 6000 }],
    ['amounts', { computeLeftMs: 0 }],
  ])('none begins when the %s are spent', (_, spent) => {
    const outcomes = afterPortfolio();
    expect(planSearch({ spec, shape, outcomes, budget: { ...endless, ...spent } })).toEqual([]);
    expect(planSearch({ spec, shape, outcomes, budget: endless }).length).toBeGreaterThan(0);
  });

  it('none begins where the rows are too few to tell a variation from its leader', () => {
    const waves = (rows: number) => {
      const few = { ...shape, rows, folds: 10 };
      return new Set(played(() => 1, endless, few).flatMap((rung) => rung.map(({ wave }) => wave)));
    };
    expect(waves(1499)).toEqual(new Set([0]));
    expect(waves(1500).size).toBeGreaterThan(1);
  });

  it('what was tried is not tried again, failed or written in another order', () => {
    const outcomes = afterPortfolio();
    const first = planSearch({ spec, shape, outcomes, budget: endless });
    const failed = first.map((trial): TrialOutcome => {
      const reordered = Object.fromEntries(Object.entries(trial.spec).reverse()) as typeof trial.spec;
      const failure = { code: 'LOSS_NOT_FINITE', message: '', seconds: 1 };
      return { status: 'failed', trial: { ...trial, spec: reordered }, ...failure };
    });
    expect(first.length).toBeGreaterThan(0);
    const tried = failed.map(({ trial }) => trial.spec);
    expect(variations(portfolio(shape), tried, shape)).toEqual([]);
  });

  it('do not depend on the order in which the trials ended', () => {
    const outcomes = afterPortfolio();
    const planned = (given: readonly TrialOutcome[]) =>
      planSearch({ spec, shape, outcomes: given, budget: endless });
    expect(planned([...outcomes].reverse())).toEqual(planned(outcomes));
  });

  it('look for interactions where there are two numbers, and once', () => {
    const asked = (changed: Partial<SearchShape>, leaders = portfolio(shape)): string[] =>
      variations(leaders, leaders, { ...shape, ...changed }).flatMap((one) =>
        'interactions' in one && one.interactions === 8 ? [one.family] : [],
      );
    expect(asked({}).sort()).toEqual(['linear', 'mlp', 'trees']);
    expect(asked({ numbers: 1 })).toEqual([]);
    const [linear] = variations([LinearSpec.parse({ family: 'linear' })], [], shape);
    expect(linear).toMatchObject({ family: 'linear', interactions: 8 });
    expect(asked({}, linear && [linear])).toEqual([]);
  });
});

describe('promotion', () => {
  const noise = [0, 0.02, -0.02, 0.01];
  const judged = (losses: readonly number[], family: (at: number) => 'linear' | 'mlp' = () => 'mlp') =>
    losses.map((loss, at) =>
      done(trialOf(at, family(at), [0, 1, 2, 3]), (fold) => loss + (noise[(fold + at) % 4] ?? 0)),
    );

  it('takes the better half, best first', () => {
    expect(promoted(judged([4, 1, 3, 2]), 0)).toEqual([1, 3]);
  });

  it('takes who cannot be told from the last of them on the same folds', () => {
    expect(promoted(judged([1, 2, 2.001, 9]), 0)).toEqual([0, 1, 2]);
    expect(promoted(judged([1, 2, 2.2, 9]), 0)).toEqual([0, 1]);
  });

  it('takes the best of another family that is near, and none that is far', () => {
    const last = (at: number): 'linear' | 'mlp' => (at === 3 ? 'linear' : 'mlp');
    expect(promoted(judged([1, 1.02, 1.05, 1.1], last), 0)).toContain(3);
    expect(promoted(judged([1, 1.02, 1.05, 1.3], last), 0)).not.toContain(3);
  });

  it('leaves out what failed', () => {
    const trial = trialOf(1, 'mlp', [0]);
    const failed: TrialOutcome = {
      ...{ status: 'failed', trial, code: 'LOSS_NOT_FINITE', message: '', seconds: 1 },
    };
    expect(promoted([failed, ...judged([1])], 0)).toEqual([0]);
  });
});
