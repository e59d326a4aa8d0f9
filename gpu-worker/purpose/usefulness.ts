/** Train on synthetic rows, test on real ones (Esteban et al. 2017), with the same plain model for both. */
import type { Metrics } from '../../contracts';
import { permutation } from '../../onnx';
import type { Table } from '../data/table';
import { chooseEngine } from '../engine/engine';
import { baselineSample, sampleOf } from '../evaluate/evaluate';
import { predictedOf } from '../evaluate/predict';
import type { Sample } from '../evaluate/sample';
import { utility } from '../evaluate/synthesis';
import { trainConcrete } from '../family/concrete';
import type { Split } from '../prepare/split';
import { columnNamed, fitTarget } from '../prepare/target';
import { Assembly, featureColumns } from '../train/assemble';
import type { TrainRequest } from '../train/train-table';
import { stacked } from './made-rows';

const MOST_ROWS = 20_000;

interface Compared {
  readonly real: Table;
  readonly made: Table;
  readonly split: Split;
  readonly columns: readonly string[];
}

/** Of a model that learned from real or from made-up rows, by how often each held-out row counts; NaN = not defined. */
type Skill = (weights?: ArrayLike<number>) => { readonly figure: number; readonly baseline: number };

/**
 * `utility`: what is left of the skill of a linear model that learns the target, by how often each held-out row counts;
 * undefined where there is no target.
 */
export const usefulness = async (
  { real, made, split, columns }: Compared,
  request: TrainRequest,
  signal: AbortSignal,
): Promise<{ test: Sample; baseline: Metrics } | undefined> => {
  const target = made.columns.find(({ spec }) => spec.name === request.target);
  if (target === undefined || split.test.length === 0) return undefined;
  const name = target.spec.name;
  const all = (count: number): Int32Array => permutation(count, request.seed, 0).subarray(0, MOST_ROWS);
  const skill = async (from: Table, rows: Int32Array): Promise<Skill> => {
    const table = stacked(real, split.test, from, rows);
    const test = Int32Array.from(split.test, (_, at) => at);
    const training = Int32Array.from(rows, (_, at) => split.test.length + at);
    const column = columnNamed(table, name);
    const task = column.kind === 'number' ? 'regression' : 'classification';
    const learned = fitTarget(column, task, { training, validation: new Int32Array(0) });
    const exclude = table.columns.map(({ spec }) => spec.name).filter((each) => !columns.includes(each));
    const data = new Assembly(
      {
        table,
        columns: featureColumns(table, { target: name, exclude }),
        target: learned,
        holdout: request.holdout,
        signal,
      },
      training,
      new Int32Array(0),
    );
    const engine = await chooseEngine('cpu');
    const context = { seed: request.seed, engine, signal, progress: () => undefined };
    const trained = await trainConcrete({ ...LINEAR }, data, context);
    const known = learned.task === 'classification' ? test.filter((row) => learned.codes[row] >= 0) : test;
    const outputs = await trained.predict(known, signal);
    const two = learned.task === 'classification' && learned.classes.length === 2;
    const metric = task === 'regression' ? 'rmse' : two ? 'auc' : 'accuracy';
    const sample = sampleOf(predictedOf(outputs, learned, known.length), learned, known);
    const baseline = baselineSample(learned, known);
    return (weights) => {
      const ofKnown = weights && Float64Array.from(known, (row) => weights[row]);
      return {
        figure: sample.metrics(ofKnown)[metric] ?? NaN,
        // A ranking that knows nothing.
        baseline: two ? 0.5 : (baseline.metrics(ofKnown)[metric] ?? NaN),
      };
    };
  };
  const onReal = await skill(
    real,
    all(split.training.length).map((at) => split.training[at]),
  );
  const onMade = await skill(made, all(made.rows));
  const metrics: Sample['metrics'] = (weights) => {
    const [{ figure: synthetic }, { figure: real, baseline }] = [onMade(weights), onReal(weights)];
    return {
      utility: known(utility({ synthetic, real, baseline }, target.kind === 'number')),
      trainedOnSynthetic: known(synthetic),
      trainedOnReal: known(real),
    };
  };
  return {
    test: { rows: split.test.length, metrics },
    baseline: { utility: 0, trainedOnSynthetic: onReal().baseline },
  };
};

const known = (figure: number | null): number | null => (Number.isNaN(figure) ? null : figure);

const LINEAR = { family: 'linear', l2: 1 } as const;
