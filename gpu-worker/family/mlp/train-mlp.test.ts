import type { MlpSpec } from '../../../contracts';
import { MlpSpec as MlpSchema } from '../../../contracts';
import { openSessionCount } from '../../engine/onnxruntime';
import { classTable, regressionTable, request } from '../../testing/examples';
import { STANDARD } from '../../prepare/encoding';
import { fitPreparation } from '../../prepare/preparation';
import { featureColumns } from '../../train/assemble';
import { prepareMatrix } from '../../prepare/matrix';
import { splitRows } from '../../prepare/split';
import { columnNamed, fitTarget } from '../../prepare/target';
import { targetsOf } from '../data';
import type { Prepared } from '../data';
import { trainMlp } from './train-mlp';

const signal = new AbortController().signal;
const engine = { name: 'onnxruntime', device: 'cpu', version: '' } as const;

const dataOf = async (kind: 'regression' | 'classification'): Promise<Prepared> => {
  const table = kind === 'regression' ? regressionTable() : classTable();
  const name = kind === 'regression' ? 'y' : 'label';
  const asked = request({ family: 'linear' }, { target: name });
  const split = splitRows(table, name, asked.holdout, 0.2, 1);
  const target = fitTarget(columnNamed(table, name), kind, split);
  const preparation = fitPreparation(featureColumns(table, asked), split.training, STANDARD);
  const examples = async (rows: Int32Array) => ({
    features: await prepareMatrix(table, preparation, rows, signal),
    targets: targetsOf(target, rows),
  });
  return {
    preparation,
    target,
    training: await examples(split.training),
    validation: await examples(split.validation),
  };
};

const train = async (data: Prepared, spec: Partial<MlpSpec>) => {
  const full = MlpSchema.parse({ family: 'mlp', hidden: [32], epochs: 30, learningRate: 0.01, ...spec });
  return trainMlp(full, data, { seed: 3, engine, signal, progress: () => undefined });
};

afterEach(() => expect(openSessionCount()).toBe(0));

describe('trainMlp', () => {
  it('stops early and hands back the weights of the best epoch', async () => {
    const data = await dataOf('regression');
    const spec = { hidden: [64], learningRate: 0.05, patience: 5 };
    const stopped = await train(data, { ...spec, epochs: 400 });
    const losses = stopped.history.map(({ valLoss }) => valLoss ?? Infinity);
    const best = losses.indexOf(Math.min(...losses));
    expect(stopped.history.length).toBeLessThan(400);
    expect(stopped.history.length).toBe(best + 1 + 5);
    const untilBest = await train(data, { ...spec, patience: 0, epochs: best + 1 });
    expect(stopped.members).toEqual(untilBest.members);
  });

  it('never stops with patience 0', async () => {
    expect((await train(await dataOf('regression'), { epochs: 17 })).history).toHaveLength(17);
  });

  it('l2 makes the weights small and counts in the loss', async () => {
    const data = await dataOf('regression');
    const norm = async (l2: number) => {
      const { network, members, history } = await train(data, { l2 });
      const squares = network.decayed.reduce(
        (sum, name) => sum + (members[0]?.[name] ?? new Float32Array(0)).reduce((s, w) => s + w * w, 0),
        0,
      );
      return { squares, loss: history.at(-1)?.loss ?? NaN, mse: history.at(-1)?.mse ?? NaN };
    };
    const [free, bound] = [await norm(0), await norm(0.01)];
    expect(bound.squares).toBeLessThan(free.squares / 2);
    const deviation = data.target.task === 'regression' ? data.target.deviation : 1;
    expect(bound.loss - bound.mse / deviation ** 2).toBeCloseTo(0.01 * bound.squares, 3);
    expect(free.loss).toBeCloseTo(free.mse / deviation ** 2, 8);
  });

  it('dropout makes training harder than validation, and is repeatable', async () => {
    const data = await dataOf('regression');
    const spec = { dropout: 0.5, hidden: [64, 64] };
    const [first, second, without] = [
      await train(data, spec),
      await train(data, spec),
      await train(data, { hidden: [64, 64] }),
    ];
    const last = first.history.at(-1);
    expect(last?.loss).toBeGreaterThan(2 * (last?.valLoss ?? Infinity));
    expect(first.history).toEqual(second.history);
    expect(without.history.at(-1)?.loss).toBeLessThan(last?.loss ?? 0);
  });

  it('balanced class weights make a rare class count', async () => {
    const data = await dataOf('classification');
    const counts = data.target.task === 'classification' ? data.target.counts : [];
    expect(counts[0]).toBeLessThan((counts[1] ?? 0) / 2);
    const losses = async (classWeights: MlpSpec['classWeights']) =>
      (await train(data, { classWeights, epochs: 4, hidden: [8] })).history.map(({ loss }) => loss);
    const [even, balanced] = [await losses('none'), await losses('balanced')];
    // The rare class starts out wrong: weighing it up makes the same guesses cost more.
    expect(balanced[0]).toBeGreaterThan(even[0] ?? Infinity);
  });

  it('members differ from each other', async () => {
    const { members } = await train(await dataOf('regression'), { members: 3, epochs: 1 });
    expect(members).toHaveLength(3);
    expect(members[0]).not.toEqual(members[1]);
  });
});
