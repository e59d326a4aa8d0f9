import { AutoSpec } from '../../contracts';
import { createHash } from 'node:crypto';
import { modelBytes } from '../../onnx';
import { curveOf } from '../evaluate/learning-curve';
import { asFloat32, openSessionCount, withSession } from '../engine/onnxruntime';
import { typedInputs } from '../prepare/graph';
import { rawFeeds } from '../prepare/matrix';
import { classTable, regressionTable } from '../testing/examples';
import { tableOf } from '../testing/table';
import { loadSearch } from './saved-search';
import { assemble } from './assemble';
import { openSearch, trainAuto } from './train-auto';
import type { AutoTrained } from './train-auto';
import { quietContext, searchData } from './testing/search-data';

afterEach(() => expect(openSessionCount()).toBe(0));

/** Few and small trials, and no clock. */
const few = (more: Record<string, unknown> = {}): AutoSpec =>
  AutoSpec.parse({
    family: 'auto',
    seconds: null,
    trials: 4,
    folds: 3,
    families: ['linear'],
    ...more,
  });

const fileOf = ({ inputs, output }: AutoTrained): Uint8Array => {
  const columns = typedInputs(inputs);
  return modelBytes({ name: 'auto', inputs: Object.values(columns), outputs: { output: output(columns) } });
};
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe('an automatic training', () => {
  it('ends in one file that answers as its weighted members do, and lists what it tried', async () => {
    const data = searchData(regressionTable(), 'y', 'regression');
    const made = await trainAuto(data, few({ families: ['linear', 'trees'] }), quietContext());
    const rows = Int32Array.from({ length: 50 }, (_, i) => i);
    const members = await made.predict(rows, quietContext().signal);
    await withSession(fileOf(made), {}, async (session) => {
      const answer = asFloat32((await session.run(rawFeeds(data.table, session.inputNames, rows)))['output']);
      answer.forEach((value, i) => expect(value).toBeCloseTo(members[i] ?? NaN, 4));
    });
    const { leaderboard, outOfSample } = made;
    expect(leaderboard.reduce((sum, { weight }) => sum + (weight ?? 0), 0)).toBeCloseTo(1, 9);
    expect(leaderboard.map(({ score }) => score)).toEqual(
      leaderboard.map(({ score }) => score).sort((a, b) => a - b),
    );
    for (const { low, score, high, microsPerRow, bytes, metric } of leaderboard) {
      expect(low).toBeLessThan(score);
      expect(score).toBeLessThan(high);
      expect(microsPerRow).toBeGreaterThan(0);
      expect(bytes).toBeGreaterThan(100);
      expect(metric).toBe('rmse');
    }
    // A point a trial, ending with what the leaderboard says of its first.
    const curve = curveOf(made);
    expect(curve).toMatchObject({ unit: 'trial' });
    expect(curve?.points.map(({ at }) => at)).toEqual([1, 2, 3, 4]);
    const best = curve?.points.map(({ valLoss }) => valLoss ?? NaN) ?? [];
    expect(best).toEqual([...best].sort((a, b) => b - a));
    const target = data.target.task === 'regression' ? data.target : null;
    expect(Math.sqrt(best[3]) * (target?.deviation ?? NaN)).toBeCloseTo(leaderboard[0].score, 9);
    expect(curve?.points.find(({ at }) => at === curve.best)?.loss).toBe(best[3]);
    // Every row that may be learned from was answered by models that did not see it.
    expect([...(outOfSample?.rows ?? [])].sort((a, b) => a - b)).toEqual(
      [...data.training].sort((a, b) => a - b),
    );
  });

  it('killed between trials it goes on and ends in the bytes of an uninterrupted one', async () => {
    const data = searchData(classTable(300), 'label', 'classification');
    const saved: Uint8Array[] = [];
    const context = quietContext();
    const whole = await trainAuto(data, few(), {
      ...context,
      checkpoints: { latest: null, offer: (state) => saved.push(state()) },
    });
    expect(saved.length).toBeGreaterThan(2);
    const again: string[] = [];
    const resumed = await trainAuto(
      data,
      few(),
      { ...context, checkpoints: { latest: saved[1] ?? null, offer: () => undefined } },
      { tell: (news) => again.push('status' in news ? news.status : 'begun') },
    );
    expect(again.length).toBe(2 * (saved.length - 2));
    expect(sha256(fileOf(resumed))).toBe(sha256(fileOf(whole)));
    const other = await trainAuto(data, few(), quietContext(6));
    expect(sha256(fileOf(other))).not.toBe(sha256(fileOf(whole)));
  });

  it('killed among the variations it goes on with them', async () => {
    const data = searchData(classTable(2000), 'label', 'classification');
    const saved: Uint8Array[] = [];
    const spec = few({ trials: 6 });
    const context = quietContext();
    const whole = await trainAuto(data, spec, {
      ...context,
      checkpoints: { latest: null, offer: (state) => saved.push(state()) },
    });
    const at = saved.findIndex((state) => loadSearch(state).outcomes.at(-1)?.trial.wave === 1);
    const killed = saved[at] ?? null;
    expect(at).toBeLessThan(saved.length - 1);
    const waves: number[] = [];
    const resumed = await trainAuto(
      data,
      spec,
      { ...context, checkpoints: { latest: killed, offer: () => undefined } },
      { tell: (news) => 'status' in news || waves.push(news.wave) },
    );
    expect(waves).toEqual(saved.slice(at + 1).map(() => 1));
    expect(sha256(fileOf(resumed))).toBe(sha256(fileOf(whole)));
  });

  it('its seconds are a hard cap: by a clock that runs, no trial begins and no epoch is added after it', async () => {
    const data = searchData(classTable(300), 'label', 'classification');
    // Every look at the clock takes 20 ms.
    let now = 0;
    const clock = (): number => (now += 20);
    const begun: number[] = [];
    const made = await trainAuto(data, few({ seconds: 3, trials: null, families: ['mlp'] }), quietContext(), {
      clock,
      tell: (news) => 'status' in news || begun.push(now),
    });
    expect(now).toBeLessThan(3300);
    expect(Math.max(...begun)).toBeLessThan(3000);
    expect(made.outOfSample?.rows.length).toBeGreaterThan(0);
  });

  it('that has no time left joins nothing: one member, the one that is made soonest', async () => {
    const data = searchData(regressionTable(), 'y', 'regression');
    const late = { ...quietContext(), leftMs: () => 0 };
    const { weights, simpler } = await trainAuto(data, few({ families: ['linear', 'trees'] }), late);
    expect([...weights.values()]).toEqual([1]);
    expect(simpler).toBeUndefined();
  });

  it('with little time left joins what there is time for: the best family, by the first of its folds', async () => {
    const data = searchData(classTable(), 'label', 'classification');
    const spec = few({ families: ['linear', 'trees'] });
    const saved: Uint8Array[] = [];
    const context = quietContext();
    await trainAuto(data, spec, {
      ...context,
      checkpoints: { latest: null, offer: (state) => saved.push(state()) },
    });
    const { artefacts } = loadSearch(saved.at(-1) ?? new Uint8Array());
    const of = (family: string) => artefacts.filter(({ outcome }) => outcome.trial.spec.family === family);
    const [first, ...others] = of('trees');
    expect(others.length).toBeGreaterThan(0);
    const timed = artefacts.map((one) => ({
      ...one,
      outcome: { ...one.outcome, fileSeconds: others.includes(one) ? 100 : 0.1 },
    }));
    const { folded } = openSearch(data, spec, context.seed);
    const made = await assemble(folded, timed, { ...context, leftMs: () => 2000 });
    expect(made.spec.family).toBe('trees');
    expect(made.outOfSample?.rows.length).toBe(first.outcome.folds.reduce((sum, { rows }) => sum + rows, 0));
  });

  it('has something simpler at hand for the case that its file takes too long', async () => {
    const data = searchData(classTable(), 'label', 'classification');
    const { spec, simpler } = await trainAuto(data, few({ families: ['linear', 'trees'] }), quietContext());
    expect(spec.family).toBe('trees');
    expect(simpler?.trained.spec.family).toBe('linear');
    expect(simpler?.trained.searched).toHaveLength(4);
    expect(simpler?.seconds).toBeGreaterThan(0);
  });

  it('where time drives the target, the members learn from all rows in the end', async () => {
    const day = 86_400_000_000;
    const y = Array.from({ length: 120 }, (_, i) => Math.sin(i / 9) + i / 50);
    const table = tableOf({ at: { micros: y.map((_, i) => i * day) }, y, flat: y.map((_, i) => i % 2) });
    const made = await trainAuto(
      searchData(table, 'y', 'regression'),
      few({ families: ['linear'] }),
      quietContext(),
    );
    expect(made.leaderboard).toHaveLength(2);
    // Only rows of the second half judge.
    expect(Math.min(...(made.outOfSample?.rows ?? []))).toBeGreaterThanOrEqual(59);
  });

  it('a class with one row is learned with the others', async () => {
    const a = Array.from({ length: 60 }, (_, i) => i);
    const table = tableOf({ a, label: a.map((i) => (i === 30 ? 'once' : i < 30 ? 'low' : 'high')) });
    const made = await trainAuto(
      searchData(table, 'label', 'classification'),
      few({ families: ['linear'] }),
      quietContext(),
    );
    expect(made.outOfSample?.rows).not.toContain(30);
  });

  it.each([
    ['features that are all constant', { a: Array<number>(40).fill(1) }, 'NO_USABLE_FEATURES'],
    ['a class a row', { a: Array.from({ length: 1500 }, (_, i) => i) }, 'TARGET_TOO_MANY_CLASSES'],
  ])('%s: refused', async (_, columns, code) => {
    const label = columns.a.map((_value, i) => `c${columns.a.length > 1000 ? i : i % 2}`);
    const data = searchData(tableOf({ ...columns, label }), 'label', 'classification');
    await expect(trainAuto(data, few(), quietContext())).rejects.toMatchObject({ code });
  });

  it('no seconds, no trials, no such family: refused', async () => {
    for (const wrong of [{ seconds: 0 }, { trials: 0 }, { seconds: -1 }]) expect(() => few(wrong)).toThrow();
    const data = searchData(regressionTable(100), 'y', 'regression');
    await expect(trainAuto(data, few({ families: ['forest'] }), quietContext())).rejects.toMatchObject({
      code: 'BAD_SPEC',
    });
  });

  it('two rows in all are too few', () => {
    expect(() => searchData(tableOf({ a: [1, 2], y: [1, 2] }), 'y', 'regression')).toThrow(
      expect.objectContaining({ code: 'TOO_FEW_ROWS' }) as Error,
    );
  });
});
