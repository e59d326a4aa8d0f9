/** What `auto` makes of data that no search by folds is for: through whole trainings, from a table to a verified file. */
import { Failure } from '../../../contracts';
import { randomKey, randomNormal, randomUnit } from '../../../onnx';
import type { Table } from '../../data/table';
import { openSessionCount } from '../../engine/onnxruntime';
import { pictureTable } from '../../testing/images';
import { request } from '../../testing/examples';
import { tableOf } from '../../testing/table';
import { trainTable } from '../../train/train-table';
import type { MadeModel, TrainRequest, TrainVoice } from '../../train/train-table';

const key = randomKey(41);

const train = async (
  table: Table,
  more: Partial<TrainRequest>,
  spec: Record<string, unknown> = {},
  voice: Partial<TrainVoice> = {},
): Promise<{ made: MadeModel; told: string[] }> => {
  const told: string[] = [];
  const made = await trainTable(table, request({ family: 'auto', seconds: null, ...spec }, more), {
    signal: new AbortController().signal,
    champion: null,
    progress: (_phase, _fraction, { message } = {}) => {
      if (message?.startsWith('candidate') === true && message !== told.at(-1)) told.push(message);
    },
    ...voice,
  });
  return { made, told };
};

/** Three round clouds; the label is never learned from. */
const clouds = (rows = 300): Table => {
  const centers = [
    [0, 0],
    [7, 0],
    [0, 7],
  ];
  const of = (axis: number): number[] =>
    Array.from(
      { length: rows },
      (_, row) => (centers[row % 3]?.[axis] ?? 0) + randomNormal(key, 2 * row + axis),
    );
  const label = Array.from({ length: rows }, (_, row) => ['a', 'b', 'c'][row % 3] ?? '');
  return tableOf({ x: of(0), y: of(1), label }, (row) => row % 7 === 0);
};

/** Ordinary rows lie on a line through ten columns. */
const onALine = (rows = 600): Table => {
  const along = Array.from({ length: rows }, (_, row) => randomNormal(key, 10_000 + row));
  const columns = Array.from({ length: 10 }, (_, at) => [
    `c${at}`,
    along.map(
      (value, row) => (at % 2 === 0 ? value : -value) + 0.05 * randomNormal(key, 20_000 + 10 * row + at),
    ),
  ]);
  return tableOf(Object.fromEntries(columns) as Record<string, number[]>, (row) => row % 5 === 0);
};

/** Ten columns that have nothing to do with each other, each of a different kind of spread. */
const unrelated = (rows = 600): Table => {
  const columns = Array.from({ length: 10 }, (_, at) => [
    `c${at}`,
    Array.from({ length: rows }, (_, row) => randomNormal(randomKey(key, at), row) ** (at % 2 === 0 ? 1 : 3)),
  ]);
  return tableOf(Object.fromEntries(columns) as Record<string, number[]>, (row) => row % 5 === 0);
};

const ANOMALY = { task: 'anomaly', target: null } as const;
/** `half` is seen in the picture, and no other column is left. */
const ALONE: Partial<TrainRequest> = {
  target: 'half',
  task: 'classification',
  exclude: ['both', 'height', 'weight'],
};
const GROUPS = { task: 'clustering', target: 'label' } as const;

afterEach(() => expect(openSessionCount()).toBe(0));

describe('clustering', () => {
  it('finds how many groups there are, and says which family found them', async () => {
    const { made, told } = await train(clouds(), GROUPS);
    expect(made.manifest.spec.family).toBe('auto');
    expect(made.manifest.chosen).toMatchObject({ family: 'k-means', clusters: 3 });
    expect(made.manifest.metrics.test['adjustedRand']).toBeGreaterThan(0.95);
    expect(told[0]).toBe('candidate 1 of 18: k-means, 2 groups');
    expect(told.at(-1)).toBe('candidate 18 of 18: gaussian-mixture, 10 groups');
    // Rows that choose are not learned from.
    expect(made.rows).toMatchObject({ trainRows: 206, validationRows: 51 });
  });

  it('keeps to the families, trials and seconds that it is given', async () => {
    const only = await train(clouds(), GROUPS, { families: ['gaussian-mixture'], trials: 3 });
    expect(only.told).toHaveLength(3);
    expect(only.made.manifest.chosen).toMatchObject({ family: 'gaussian-mixture', clusters: 3 });
    const short = await train(clouds(), GROUPS, { seconds: 0.001 });
    expect(short.told).toEqual(['candidate 1 of 18: k-means, 2 groups']);
  });

  it('goes on after a kill where it was, and ends in the same file', async () => {
    const saved: Uint8Array[] = [];
    const whole = await train(
      clouds(),
      GROUPS,
      {},
      {
        checkpoints: { latest: null, offer: (state) => saved.push(state()) },
      },
    );
    const again = await train(
      clouds(),
      GROUPS,
      {},
      {
        checkpoints: { latest: saved[9] ?? null, offer: () => undefined },
      },
    );
    expect(again.told[0]).toBe('candidate 11 of 18: k-means, 7 groups');
    // The best was judged before the kill, and is made once more.
    expect(again.told.at(-1)).toBe('candidate 3 of 18: k-means, 3 groups');
    expect(Buffer.compare(again.made.onnx, whole.made.onnx)).toBe(0);
  });
});

it('what cannot end early is dropped once the time is over', async () => {
  const columns = Array.from({ length: 20 }, (_, at) => [
    `c${at}`,
    Array.from({ length: 20_000 }, (_, row) => randomNormal(randomKey(key, at), row)),
  ]);
  const table = tableOf(Object.fromEntries(columns) as Record<string, number[]>, (row) => row % 50 === 0);
  // Over as soon as the second candidate has begun, with 100 ms to end by itself.
  let asked = 0;
  const voice = { enough: () => asked++ > 0, leftMs: () => 400 };
  const { made, told } = await train(table, { task: 'clustering', target: null }, {}, voice);
  expect(told).toEqual(['candidate 1 of 18: k-means, 2 groups']);
  expect(asked).toBeGreaterThan(1);
  expect(made.manifest.chosen).toMatchObject({ family: 'k-means', clusters: 2 });
});

describe('anomaly detection', () => {
  it('takes the autoencoder where it is better at every kind of odd row', async () => {
    const { made, told } = await train(onALine(), ANOMALY);
    expect(made.manifest.chosen.family).toBe('autoencoder');
    expect(told).toEqual(['candidate 1 of 2: isolation-forest', 'candidate 2 of 2: autoencoder']);
    expect(made.manifest.metrics.test['flaggedShare']).toBeLessThan(0.15);
  });

  it('else stays with the isolation forest', async () => {
    const { made } = await train(unrelated(), ANOMALY);
    expect(made.manifest.chosen.family).toBe('isolation-forest');
  });
});

it('synthesis trains its one family, from every row', async () => {
  const size = Array.from({ length: 100 }, (_, row) => randomUnit(key, 50_000 + row));
  const kind = size.map((value) => (value > 0.5 ? 'large' : 'small'));
  const enough = (): boolean => true;
  const { made, told } = await train(
    tableOf({ size, kind }, (row) => row % 5 === 0),
    { task: 'synthesis', target: 'kind' },
    {},
    { enough },
  );
  expect(made.manifest.chosen).toMatchObject({ family: 'gan', condition: 'kind' });
  expect(told).toEqual(['candidate 1 of 1: gan']);
  expect(made.rows).toMatchObject({ trainRows: 80, validationRows: 0 });
});

describe('pictures', () => {
  it('are learned from by convolutions where there is nothing else', async () => {
    const { made, told } = await train(pictureTable(), ALONE);
    expect(told).toEqual(['candidate 1 of 1: cnn']);
    expect(made.manifest.chosen.family).toBe('cnn');
    expect(made.manifest.signature.inputs.map(({ spec }) => spec.type)).toEqual(['image']);
    expect(made.manifest.metrics.test['accuracy']).toBeGreaterThan(0.9);
    // Those of the only candidate are its own.
    expect(made.manifest.history.length).toBeGreaterThan(1);
  });

  it('with a table beside them are learned from together', async () => {
    const { made, told } = await train(
      pictureTable(),
      { target: 'both', task: 'classification', exclude: ['half', 'height'] },
      { families: ['fusion', 'cnn', 'trees'] },
    );
    expect(told).toEqual([
      'candidate 1 of 3: fusion',
      'candidate 2 of 3: cnn',
      expect.stringMatching(/^candidate 3 of 3: trees/),
    ]);
    expect(made.manifest.chosen.family).toBe('fusion');
    // Held-out rows have numbers that no other row has; those that chose are like the others.
    expect(made.manifest.metrics.validation['accuracy']).toBeGreaterThan(0.9);
  });

  it('give way to the table where it says more', async () => {
    const { made } = await train(
      pictureTable(),
      { target: 'weight', task: 'regression', exclude: ['half'] },
      { families: ['cnn', 'trees'] },
    );
    expect(made.manifest.chosen.family).toBe('trees');
    expect(made.manifest.signature.inputs.some(({ spec }) => spec.type === 'image')).toBe(false);
  });
});

describe('refused', () => {
  const failure = (
    table: Table,
    more: Partial<TrainRequest>,
    spec: Record<string, unknown>,
  ): Promise<unknown> =>
    train(table, more, spec).then(
      () => undefined,
      (error: unknown) => (error instanceof Failure ? error : undefined),
    );

  it('a family that is not in the contest, with those that are', async () => {
    expect(await failure(clouds(), GROUPS, { families: ['k-means', 'trees'] })).toMatchObject({
      code: 'BAD_SPEC',
      message: 'unknown family to try for this clustering "trees"; one of: k-means, gaussian-mixture',
      path: ['spec', 'families', 1],
    });
    expect(await failure(onALine(), ANOMALY, { families: ['gan'] })).toMatchObject({
      message: 'unknown family to try for this anomaly "gan"; one of: isolation-forest, autoencoder',
    });
    expect(await failure(pictureTable(), ALONE, { families: ['trees'] })).toMatchObject({
      message: 'unknown family to try for this classification "trees"; one of: cnn',
    });
  });

  it('the same of a search', async () => {
    const more = { target: 'x', task: 'regression', exclude: [] } as Partial<TrainRequest>;
    expect(await failure(clouds(), more, { families: ['linear', 'cnn'] })).toMatchObject({
      code: 'BAD_SPEC',
      message: 'unknown family to try for this regression "cnn"; one of: trees, linear, mlp',
    });
  });

  it('folds where there are none', async () => {
    expect(await failure(clouds(), GROUPS, { split: 'group', groupColumn: 'label' })).toMatchObject({
      code: 'BAD_SPEC',
      path: ['spec', 'groupColumn'],
    });
    expect(await failure(clouds(), GROUPS, { split: 'time' })).toMatchObject({ path: ['spec', 'split'] });
  });
});
