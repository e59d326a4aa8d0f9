/**
 * What exact Shapley values of trees cost: with features made of two columns beside without any, and beside sampled values of
 * the same model, with how far those are off. California housing.
 */
import { modelBytes, op } from '../onnx';
import { TreesSpec } from '../contracts';
import type { Shapley } from '../contracts';
import { explainRows } from '../gpu-worker/evaluate/explain/explain-rows';
import { SealedFile } from '../gpu-worker/evaluate/explain/sealed-file';
import type { Trained } from '../gpu-worker/family/trained';
import { trees } from '../gpu-worker/family/trees/trees';
import { typedInputs } from '../gpu-worker/prepare/graph';
import { columnNamed, fitTarget } from '../gpu-worker/prepare/target';
import { Assembly, featureColumns } from '../gpu-worker/train/assemble';
import { TARGET, housingTable } from './housing-table';
import { median, writeResults } from './results';
import type { Figure } from './results';

const quick = process.argv.includes('--quick');
const ROUNDS = quick ? 3 : 9;
const TREES = 100;
const ROWS = 20;
const BACKGROUND = 100;
/** As many as a report samples with. */
const SAMPLED_BACKGROUND = 32;
const INTERACTIONS = 8;
const signal = new AbortController().signal;

const table = housingTable();
const rows = Int32Array.from({ length: table.rows }, (_, row) => row);
const training = rows.filter((row) => row % 5 > 1);
const validation = rows.filter((row) => row % 5 === 1);
const explained = rows.filter((row) => row % 5 === 0).subarray(0, ROWS);
const background = training.filter((_, at) => at % Math.floor(training.length / BACKGROUND) === 0);

interface Model {
  readonly trained: Trained;
  readonly file: SealedFile;
}

const learnt = async (leaves: number, interactions: number): Promise<Model> => {
  const target = fitTarget(columnNamed(table, TARGET), 'regression', { training, validation });
  if (target.task !== 'regression') throw new Error('prices are numbers');
  const columns = featureColumns(table, { target: TARGET, exclude: [] });
  const holdout = { kind: 'hash', salt: '', fraction: 0.2 } as const;
  const data = new Assembly({ table, columns, target, holdout, signal }, training, validation);
  const spec = TreesSpec.parse({ family: 'trees', trees: TREES, leaves, interactions });
  const trained = await trees.train(spec, data, {
    ...{ seed: 1, signal, progress: () => undefined },
    engine: { name: 'onnxruntime', device: 'cpu', version: '' },
  });
  const typed = typedInputs(trained.inputs);
  const prediction = op.Add(op.Mul(trained.output(typed), target.deviation), target.mean);
  const onnx = modelBytes({ name: 'trees', inputs: Object.values(typed), outputs: { prediction } });
  return { trained, file: await SealedFile.open({ onnx, table, classes: 0, signal }) };
};

const explain = async (
  { trained, file }: Model,
  how: { readonly exact: boolean; readonly background: Int32Array },
): Promise<{ readonly found: Shapley; readonly msPerRow: number }> => {
  const started = performance.now();
  const found = await explainRows(file, {
    ...{ rows: explained, places: [...explained.keys()], background: how.background },
    ...{ columns: file.inputs, classes: [], actual: () => null, seed: 1, signal },
    ...(how.exact && trained.shapley && { exact: trained.shapley }),
  });
  if (found === undefined) throw new Error('exact values are too much work');
  return { found, msPerRow: (performance.now() - started) / ROWS };
};

/** Mean absolute difference of the values, in per cent of the mean absolute exact value. */
const percentOff = (exact: Shapley, sampled: Shapley): number => {
  let [off, size] = [0, 0];
  for (const [row, { values }] of exact.rows.entries())
    for (const [at, { column }] of exact.summary.entries()) {
      const place = sampled.summary.findIndex((one) => one.column === column);
      off += Math.abs(values[at] - sampled.rows[row].values[place]);
      size += Math.abs(values[at]);
    }
  return (100 * off) / size;
};

const figuresOf = async (leaves: number): Promise<Figure[]> => {
  const plain = await learnt(leaves, 0);
  const joined = await learnt(leaves, INTERACTIONS);
  const few = background.subarray(0, SAMPLED_BACKGROUND);
  const times: Record<'plain' | 'joined' | 'sampled', number[]> = { plain: [], joined: [], sampled: [] };
  let off = 0;
  try {
    for (let round = 0; round < ROUNDS; round++) {
      times.plain.push((await explain(plain, { exact: true, background })).msPerRow);
      times.joined.push((await explain(joined, { exact: true, background })).msPerRow);
      const sampled = await explain(joined, { exact: false, background: few });
      times.sampled.push(sampled.msPerRow);
      off = percentOff((await explain(joined, { exact: true, background: few })).found, sampled.found);
    }
  } finally {
    await plain.file.close();
    await joined.file.close();
  }
  const [alone, both, drawn] = [times.plain, times.joined, times.sampled].map(median);
  const model = `${TREES} trees of ${leaves} leaves`;
  const what = `exact Shapley values of ${model} with ${INTERACTIONS} interactions, ${BACKGROUND} background rows, a row`;
  return [
    {
      ...{ figure: what, value: both, unit: 'ms' },
      ...{ baseline: 'the same without interactions', baselineValue: alone, ratio: both / alone },
      ...{ target: '<= 4 times as long', met: both <= 4 * alone },
    },
    {
      ...{ figure: `${what}, beside sampled ones`, value: both, unit: 'ms' },
      ...{ baseline: `sampled, ${SAMPLED_BACKGROUND} background rows`, baselineValue: drawn },
      ...{ ratio: both / drawn, target: null, met: null },
    },
    {
      figure: `sampled values of ${model} with interactions: mean distance from the exact ones of the same ${SAMPLED_BACKGROUND} background rows`,
      ...{ value: off, unit: '% of their mean size' },
      ...{ baseline: null, baselineValue: null, ratio: null, target: null, met: null },
    },
  ];
};

const main = async (): Promise<void> => {
  const figures = [...(await figuresOf(31)), ...(await figuresOf(255))];
  for (const { figure, value, unit, ratio } of figures)
    console.log(
      `${figure}: ${value.toPrecision(4)} ${unit}${ratio === null ? '' : `, ratio ${ratio.toFixed(2)}`}`,
    );
  writeResults('shapley', figures);
};

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
