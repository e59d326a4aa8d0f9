import { AutoSpec, EvaluationReport } from '../../contracts';
import type { TrainRequest } from '../train/train-table';
import { trainTable } from '../train/train-table';
import type { MadeModel } from '../train/train-table';
import { openSessionCount } from '../engine/onnxruntime';
import { classRequest, classTable, listener, regressionTable, request } from '../testing/examples';
import { tableOf } from '../testing/table';
import type { Cells } from '../testing/table';
import type { Table } from '../data/table';
import { Budget } from './budget';
import { modelCardMarkdown } from './model-card';
import type { CardManifest } from './model-card';

afterEach(() => expect(openSessionCount()).toBe(0));

const made = (table: Table, asked: TrainRequest): Promise<MadeModel> => trainTable(table, asked, listener());
const quick = { family: 'mlp', hidden: [16], epochs: 20, learningRate: 0.01 };

/** As it is after the way through the store: nothing but JSON, and what the contract says. */
const stored = ({ evaluation }: MadeModel): EvaluationReport =>
  EvaluationReport.parse(JSON.parse(JSON.stringify(evaluation)));

const cardOf = (model: MadeModel): string => {
  const file = { key: '', sha256: 'f00d', sizeBytes: 1024 };
  const manifest = {
    v: 1,
    ...model.manifest,
    onnx: file,
    golden: file,
    data: { sha256: 'da7a', ...model.rows },
  };
  return modelCardMarkdown(model.evaluation, manifest as CardManifest);
};

describe('the report of a regression', () => {
  let model: MadeModel;
  let report: EvaluationReport;
  beforeAll(async () => {
    model = await made(regressionTable(1000), { ...request(quick), sensitive: ['kind', 'nowhere'] });
    report = stored(model);
  });

  it('is valid JSON of the contract about the held-out rows', () => {
    expect(report).toEqual(model.evaluation);
    expect(report.rows).toEqual({ of: 'test', count: 200 });
    expect(report.metrics['rmse'].value).toBeCloseTo(model.manifest.metrics.test['rmse'] ?? NaN, 4);
    expect(report.gap).toMatchObject({ metric: 'rmse', train: model.manifest.metrics.train['rmse'] });
    expect(report.learningCurve?.points).toHaveLength(20);
  });

  it('says nothing of held-out rows that have nothing to do with the others, and warns of those that have', async () => {
    expect(report.warnings).toBeUndefined();
    const searched = await made(regressionTable(), {
      ...request(quick),
      spec: { ...AutoSpec.parse({ family: 'auto', trials: 1, groupColumn: 'kind' }), folds: 2 },
    });
    const [warning] = stored(searched).warnings ?? [];
    expect(warning).toMatch(/^80 of 80 held-out rows share their "kind"/);
    expect(cardOf(searched)).toContain(`- ${warning}.`);
  });

  it.each([
    [5, 'none, and says why'],
    [30, 'wider ones, of groups that are drawn whole'],
  ])('of %i held-out groups has intervals: %s', async (held) => {
    const groups = held * 5;
    const unit = Array.from({ length: 1500 }, (_, row) => row % groups);
    const y = unit.map((at, row) => Math.sin(at * 1.7) * 3 + ((row * 37) % 11) / 11);
    const table = tableOf(
      { unit: unit.map((at) => `u${at}`), a: unit.map((_, row) => (row * 13) % 97), y },
      (row) => unit[row] % 5 === 0,
    );
    const width = async (holdout: TrainRequest['holdout']): Promise<number | null> => {
      const { metrics, leftOut } = stored(
        await made(table, { ...request({ family: 'linear' }), holdout, exclude: ['unit'] }),
      );
      const { low, high } = metrics['rmse'];
      expect(leftOut.some(({ section }) => section === 'intervals of metrics')).toBe(low === null);
      return low === null || high === null ? null : high - low;
    };
    const whole = await width({ kind: 'group', column: 'unit', salt: '', fraction: 0.2 });
    const single = await width({ kind: 'hash', salt: '', fraction: 0.2 });
    if (held < 10) expect(whole).toBeNull();
    else expect(whole).toBeGreaterThan(1.5 * (single ?? Infinity));
  });

  it('residuals, interval coverage and groups of a sensitive column', () => {
    expect(report.residuals?.byPrediction).toHaveLength(10);
    const coverage = report.conformal?.coverage.find(({ level }) => level === 0.9);
    // Fitted on 160 rows, seen on 200: a shortfall below 0.8 happens once in 10,000 times.
    expect(coverage?.inside.share).toBeGreaterThan(0.8);
    expect(coverage?.size).toBeCloseTo(
      2 * (model.manifest.conformal?.kind === 'interval' ? model.manifest.conformal.radius : NaN),
      3,
    );
    expect(report.fairness.map(({ column, label }) => [column, label])).toEqual([['kind', null]]);
    expect(report.leftOut).toEqual([{ section: 'fairness', why: 'the data has no column nowhere' }]);
  });

  it('tells what the answers rest on: `kind` and `a` more than `b`, and Shapley values that add up', () => {
    const order = report.importance?.columns.map(({ column }) => column);
    expect(order).toEqual(['kind', 'a', 'b']);
    for (const { base, output, values } of report.shapley?.rows ?? [])
      expect(base + values.reduce((sum, value) => sum + value, 0)).toBeCloseTo(output, 3);
    expect(report.shapley?.rows).toHaveLength(50);
    expect(report.partialDependence.map(({ column }) => column)).toEqual(order);
  });

  it('the same data and seed give the same report', async () => {
    const again = await made(regressionTable(1000), { ...request(quick), sensitive: ['kind', 'nowhere'] });
    expect(again.evaluation).toEqual(model.evaluation);
  });

  it('the card names every section that has something to say, and nothing undefined', () => {
    const card = cardOf(model);
    for (const heading of [
      'Model',
      'Data',
      'Figures',
      'Learning curve',
      'Errors',
      'How sure to be',
      'Where it is worst',
      'What its answers rest on',
      'How its answers follow a column',
      'Fairness',
      'Caveats',
    ])
      expect(card).toContain(`\n## ${heading}\n`);
    expect(card).toContain('| `rmse` |');
    expect(card).toContain('| epoch | training | validation |');
    expect(card).toMatch(/\n\| 20 \| [\d.]+ \| [\d.]+ \|\n/);
    expect(card).toContain('| predicted | rows | mean error | 10 % below | 10 % above |');
    for (const { column } of report.partialDependence)
      expect(card).toContain(`| \`${column}\` | mean | 10 % below | 10 % above |`);
    expect(card).not.toContain('undefined');
    expect(card).not.toContain('NaN');
  });
});

describe('the report of a classification', () => {
  it('has reliability, confusion and what decisions cost', async () => {
    const matrix = [
      [0, 1, 1],
      [5, 0, 5],
      [1, 1, 0],
    ];
    const model = await made(classTable(), { ...classRequest({ ...quick, epochs: 40 }), costs: { matrix } });
    const report = stored(model);
    expect(report.classes).toEqual(['inner', 'left', 'right']);
    expect(report.calibration?.reliability.of).toBe('top');
    const cells = report.confusion?.counts?.flat() ?? [];
    expect(cells.reduce((sum, count) => sum + count, 0)).toBe(report.rows.count);
    expect(report.decision).toMatchObject({ costs: matrix, threshold: null });
    expect(report.decision?.meanCost).toBeLessThanOrEqual(report.decision?.meanCostOfMostProbable ?? 0);
    expect(report.shapley?.rows[0].label).toMatch(/inner|left|right/);
    expect(report.importance?.metric).toBe('logLoss');
    const card = cardOf(model);
    expect(card).toContain('## Probabilities and labels');
    const [inner] = report.confusion?.counts ?? [];
    expect(card).toContain(`| true | \`inner\` | \`left\` | \`right\` |`);
    expect(card).toContain(`| \`inner\` | ${inner.join(' | ')} |`);
  });

  it('its card has the most frequent mistakes of many classes in place of the matrix', async () => {
    const a = Array.from({ length: 400 }, (_, row) => (row * 7919) % 401);
    const label = a.map((value) => `c${String(Math.floor(value / 34)).padStart(2, '0')}`);
    const table = tableOf({ a, label }, (row) => row % 5 === 0);
    const card = cardOf(await made(table, classRequest({ family: 'linear' })));
    expect(card).toContain('## Right and wrong labels\n\nMost frequent mistakes:\n\n| true | given | rows |');
  });

  it('is about validation rows where none are held out, and says so where all were learned from', async () => {
    const { columns, rows } = regressionTable(300);
    const whole = { rows, columns, holdout: new Uint8Array(rows) };
    const validated = stored(await made(whole, request(quick)));
    expect(validated.rows).toEqual({ of: 'validation', count: 60 });
    const learned = stored(await made(whole, request({ ...quick, validationFraction: 0 })));
    expect(learned.metrics).toEqual({});
    expect(learned.leftOut[0].why).toContain('every row was learned from');
  });
});

describe('the report of a model that reads more than single cells', () => {
  it('windows: a column is exchanged with all that the model reads of it, and no curve is drawn', async () => {
    const count = 400;
    const x = Array.from({ length: count }, (_, row) => ((row * 7919) % 101) / 101);
    const table = tableOf(
      {
        cycle: x.map((_, row) => row % 20),
        unit: x.map((_, row) => Math.floor(row / 20)),
        x,
        y: x.map((value, row) => value + (row % 20 > 0 ? x[row - 1] : 0)),
      },
      (row) => Math.floor(row / 20) % 5 === 0,
    );
    const spec = { family: 'rnn', hidden: 8, epochs: 15, learningRate: 0.03, batchSize: 16 };
    const window = { length: 3, order: 'cycle', group: 'unit' };
    const report = stored(await made(table, request({ ...spec, window })));
    expect(report.importance?.columns[0].column).toBe('x');
    for (const { base, output, values } of report.shapley?.rows ?? [])
      expect(base + values.reduce((sum, value) => sum + value, 0)).toBeCloseTo(output, 4);
    expect(report.partialDependence).toEqual([]);
    expect(report.conformal?.coverage).toHaveLength(4);
  });

  it('texts: long ones are asked about a few at a time, and cut in the report', async () => {
    const texts = Array.from({ length: 120 }, (_, row) =>
      row === 5 ? 'very long '.repeat(20_000) : `${row % 2 === 0 ? 'good' : 'bad'} word ${row % 7}`,
    );
    const label = texts.map((text) => (text.startsWith('bad') ? 'no' : 'yes'));
    const spec = { family: 'transformer', width: 8, heads: 2, layers: 1, epochs: 6, learningRate: 0.01 };
    const table = tableOf({ text: { texts }, label }, (row) => row % 5 === 0);
    const report = stored(await made(table, classRequest(spec)));
    expect(report.importance?.columns).toMatchObject([{ column: 'text' }]);
    expect(report.partialDependence).toEqual([]);
    expect(JSON.stringify(report).length).toBeLessThan(100_000);
    expect(report.shapley?.rows.some(({ cells: [cell] }) => String(cell).endsWith('…'))).toBe(true);
  });

  it('trees: the curve counts trees, and Shapley values of a regression are exact', async () => {
    const report = stored(await made(regressionTable(), request({ family: 'trees', trees: 30 })));
    expect(report.learningCurve).toMatchObject({ unit: 'tree' });
    expect(report.shapley).toMatchObject({ method: 'exact', unit: 'target' });
  });

  it('trees: Shapley values of labels are exact, in the unit that the card names', async () => {
    const spec = { family: 'trees', trees: 30 };
    const three = await made(classTable(), classRequest(spec));
    expect(stored(three).shapley).toMatchObject({ method: 'exact', unit: 'score', backgroundRows: 100 });
    expect(cardOf(three)).toContain('the score of its most probable label, before softmax and calibration');
    const { columns, rows, holdout } = classTable();
    const label = columns.map((column) =>
      column.spec.name === 'label' && 'codes' in column
        ? { ...column, codes: column.codes.map((code) => Math.min(code, 1)), dictionary: ['inner', 'outer'] }
        : column,
    );
    const two = await made({ columns: label, rows, holdout }, classRequest(spec));
    const { shapley } = stored(two);
    expect(shapley).toMatchObject({ method: 'exact', unit: 'log-odds' });
    expect(cardOf(two)).toContain('the log-odds of its most probable label, before calibration');
    expect(new Set(shapley?.rows.map(({ label: said }) => said))).toEqual(new Set(['inner', 'outer']));
    for (const { base, output, values } of shapley?.rows ?? []) {
      expect(values.reduce((sum, value) => sum + value, base)).toBeCloseTo(output, 10);
      expect(output).toBeGreaterThan(-1); // calibration may move the border a little
    }
  });
});

describe('what a report may cost', () => {
  it('more than 32 columns: those that tell most are looked at, the others share one Shapley value', async () => {
    const count = 400;
    const wide: Record<string, Cells> = {};
    for (let column = 0; column < 40; column++)
      wide[`c${column}`] = Array.from(
        { length: count },
        (_, row) => ((row * (column + 3) * 7919) % 101) / 101,
      );
    const table = tableOf(
      { ...wide, y: Array.from({ length: count }, (_, row) => 5 * Number((wide['c39'] as number[])[row])) },
      (row) => row % 5 === 0,
    );
    const report = stored(await made(table, request({ family: 'linear' })));
    expect(report.importance?.columns).toHaveLength(32);
    expect(report.importance?.columns[0].column).toBe('c39');
    expect(report.shapley?.together).toHaveLength(8);
    expect(report.leftOut.map(({ section }) => section)).toEqual(['learningCurve', 'importance']);
  });

  it('a larger file is asked fewer questions; the clock only stops what has not begun', () => {
    const limits = { least: 20, most: 1000 };
    expect(new Budget({ bytes: 1e4 }).rows('importance', 50, limits)).toBe(800);
    expect(new Budget({ bytes: 8 * 2 ** 20 }).rows('importance', 50, limits)).toBe(100);
    expect(new Budget({ bytes: 2 ** 31 }).rows('importance', 50, limits)).toBe(20);
    expect(new Budget({ bytes: 1e4, width: 640 }).rows('importance', 50, limits)).toBe(80);
    expect(new Budget({ bytes: 1e4 }).spent()).toBeUndefined();
    expect(new Budget({ bytes: 1e4 }, -1).spent()).toContain('seconds already');
  });
});
