/** What holds for every family and every task that it can do, on small tables of all kinds of columns. */
import { LearningTask } from '../../contracts';
import { checkerName, differingOnWeb, refusedByChecker, withChecker } from '../../onnx/testing/outside';
import type { Run } from '../../onnx/testing/outside';
import type { Table } from '../data/table';
import { openSessionCount, withSession } from '../engine/onnxruntime';
import { rawFeeds } from '../prepare/matrix';
import { windowFeeds } from '../prepare/window';
import { pose } from '../purpose';
import { listener, request } from '../testing/examples';
import { pictureTable } from '../testing/images';
import { FORECAST, forecast, mixed, wave, WINDOW } from '../testing/mixed';
import { tableOf } from '../testing/table';
import { checkedSpec } from '../train/spec';
import { trainTable } from '../train/train-table';
import type { MadeModel, TrainRequest } from '../train/train-table';
import { familiesOf } from './concrete';

interface Case {
  readonly name: string;
  readonly table: Table;
  readonly request: TrainRequest;
}

/** Small enough to be trained twice. */
const SMALL: Readonly<Record<string, Record<string, unknown>>> = {
  linear: {},
  trees: { trees: 8, minRows: 5 },
  mlp: { hidden: [8], epochs: 2 },
  cnn: { filters: [4], hidden: [8], epochs: 1 },
  fusion: { width: 8, hidden: [8], epochs: 1 },
  rnn: { hidden: 8, epochs: 1 },
  transformer: { width: 8, heads: 2, layers: 1, feedForward: 8, patch: 2, stride: 1, epochs: 1 },
  'k-means': { clusters: 3, restarts: 1 },
  'gaussian-mixture': { clusters: 2 },
  'isolation-forest': { trees: 8, sample: 32 },
  autoencoder: { hidden: [8], code: 2, epochs: 2 },
  gan: { hidden: [16], latent: 4, epochs: 1, batchSize: 64, condition: 'kind' },
};
const AUTO = { seconds: null, trials: 2, folds: 2 };

const TARGETS: Readonly<Record<LearningTask, string | null>> = {
  regression: 'y',
  classification: 'label',
  forecast: 'y',
  anomaly: null,
  clustering: null,
  synthesis: null,
};

const casesOf = (task: LearningTask): Case[] =>
  familiesOf(task).flatMap((family): Case[] => {
    const small = { family, ...SMALL[family] };
    const of = (name: string, table: Table, spec: object, more: Partial<TrainRequest> = {}): Case => ({
      name: `${family}, ${name}`,
      table,
      request: request({ ...small, ...spec }, { task, target: TARGETS[task], ...more }),
    });
    const apart = task === 'regression' ? ['label'] : task === 'classification' ? ['y'] : ['text'];
    const windowed = of(`${task} of windows`, mixed(), { window: WINDOW }, { exclude: [...apart, 'text'] });
    switch (task) {
      case 'forecast': {
        const { table, ...more } = forecast();
        return [of(task, table, { forecast: FORECAST }, more)];
      }
      case 'anomaly':
      case 'clustering':
      case 'synthesis':
        return [of(task, mixed(), {}, { exclude: apart })];
      case 'regression':
      case 'classification': {
        const pictures = of(
          `${task} of pictures`,
          pictureTable(80),
          {},
          {
            target: task === 'regression' ? 'height' : 'half',
            exclude: ['both', task === 'regression' ? 'half' : 'height'],
          },
        );
        if (family === 'cnn') return [pictures, windowed];
        if (family === 'fusion') return [pictures, of(task, mixed(), {}, { exclude: apart })];
        if (family === 'rnn') return [windowed];
        const plain = of(task, mixed(), {}, { exclude: apart });
        return [windowed, plain];
      }
    }
  });

/** `y` follows a category of 300 values and the product of two numbers. */
const shops = (): Table => {
  const [x, z] = [wave(1.3, 600), wave(2.1, 600)];
  const shop = x.map((_, row) => (row * 7) % 300);
  return tableOf(
    {
      x,
      z,
      shop: shop.map((at) => `shop ${at}`),
      y: shop.map((at, row) => at / 50 + 3 * (x[row] ?? 0) * (z[row] ?? 0)),
    },
    (row) => row % 5 === 0,
  );
};

/** What a spec may ask for beyond the defaults of a family. */
const ASKED: readonly Case[] = (() => {
  const of = (
    family: string,
    name: string,
    spec: object,
    { table = mixed(), ...more }: Partial<TrainRequest> & { table?: Table } = {},
  ): Case => ({
    name: `${family}, ${name}`,
    table,
    request: request({ family, ...SMALL[family], ...spec }, { exclude: ['label'], ...more }),
  });
  const labels: Partial<TrainRequest> = { task: 'classification', target: 'label', exclude: ['y', 'text'] };
  const costs = {
    matrix: [
      [0, 1, 1],
      [5, 0, 1],
      [9, 9, 0],
    ],
  };
  return [
    ...['linear', 'trees', 'mlp'].map((family) =>
      of(
        family,
        'a category of 300 values by the target',
        { targetEncodingAbove: 20 },
        { table: shops(), exclude: ['z'] },
      ),
    ),
    of('linear', 'interactions', { interactions: 4 }, { table: shops(), exclude: ['shop'] }),
    of('linear', 'normal scores within quantiles', { scaling: 'quantile', winsorise: 0.05, missing: 'mode' }),
    of('linear', 'costs of errors', {}, { ...labels, costs }),
    of('linear', 'a forecast of two targets', { forecast: { ...FORECAST, targets: ['y', 'z'] } }, forecast()),
    of(
      'mlp',
      'a smoothed window',
      { window: { ...WINDOW, smooth: { kind: 'median', length: 3 } } },
      { exclude: ['label', 'text'] },
    ),
    of('mlp', 'piecewise and periodic numbers in a TabM', {
      numeric: 'piecewise',
      bins: 4,
      embedding: 'periodic',
      embeddingSize: 4,
      frequencies: 4,
      categoryEmbedding: 2,
      sharedMembers: 4,
    }),
    of('mlp', 'two members', { members: 2 }, labels),
    of('auto', 'regression', AUTO),
    of('auto', 'classification', AUTO, labels),
    of('auto', 'forecast', { ...AUTO, forecast: FORECAST }, forecast()),
  ];
})();

const PLAIN = LearningTask.options.flatMap(casesOf);
const CASES = [...PLAIN, ...ASKED];

const made = new Map<string, Promise<MadeModel>>();
const modelOf = ({ name, table, request: asked }: Case): Promise<MadeModel> => {
  const model = made.get(name) ?? trainTable(table, asked, listener());
  made.set(name, model);
  return model;
};
afterAll(() => expect(openSessionCount()).toBe(0));

it.each(PLAIN.map((one) => [one.name, one] as const))(
  '%s: the same seed gives the same bytes and says the same',
  async (_name, one) => {
    const [first, again] = [await modelOf(one), await trainTable(one.table, one.request, listener())];
    expect(Buffer.compare(again.onnx, first.onnx)).toBe(0);
    expect(again.golden).toEqual(first.golden);
    expect(again.evaluation).toEqual(first.evaluation);
  },
);

it.each(CASES.map((one) => [one.name, one] as const))(
  '%s: the file answers as the training did, and only a text takes an operator from outside the standard',
  async (_name, one) => {
    const { signature, verified, operators = [] } = (await modelOf(one)).manifest;
    expect(verified.maxRelativeError).toBeLessThan(1e-4);
    const text = signature.inputs.some(({ spec }) => spec.type === 'text');
    expect(operators).toEqual(text ? ['com.microsoft.Tokenizer'] : []);
  },
);

(withChecker ? it : it.skip)(`${checkerName} takes every file`, async () => {
  const files = CASES.map(async (one) => ({ name: one.name, bytes: (await modelOf(one)).onnx }));
  expect(refusedByChecker(await Promise.all(files))).toEqual([]);
});

it('onnxruntime-web gives the answers of onnxruntime-node', async () => {
  const runs: Run[] = [];
  for (const one of CASES) {
    const { name, table, request: asked } = one;
    const { onnx: bytes, manifest } = await modelOf(one);
    const problem = pose(table, asked, checkedSpec(asked.spec, asked.task));
    const rows = problem.split.test.subarray(0, 12);
    const columns = manifest.signature.inputs.map(({ spec, window }) => ({ name: spec.name, window }));
    const feeds =
      problem.order === undefined
        ? rawFeeds(
            problem.table,
            columns.map((column) => column.name),
            rows,
          )
        : windowFeeds(problem.table, columns, problem.order, rows);
    const answers = await withSession(bytes, {}, (session) => session.run(feeds));
    runs.push({ name, bytes, feeds, answers });
  }
  expect(differingOnWeb(runs, 1e-5)).toEqual([]);
});
