/** Branches side by side, joined by dense layers: the network behind `cnn` and `fusion`. */
import { heNormal, glorotUniform, input, modelBytes, op } from '../../../onnx';
import type { Value } from '../../../onnx';
import type { BranchTraining, ConcreteSpec } from '../../../contracts';
import { outputInBlocks } from '../../engine/in-blocks';
import type { Feeds } from '../../engine/onnxruntime';
import type { SupervisedTarget } from '../../prepare/target';
import { targetsOf } from '../data';
import type { TrainingContext, TrainingData } from '../data';
import { tensorOf } from '../network/feed';
import { inLayer } from '../network/network';
import type { Given, Network, Rows } from '../network/network';
import { PLAIN } from '../network/options';
import type { TrainingOptions } from '../network/options';
import { servedAnswer } from '../network/serve';
import {
  SupervisedTally,
  classWeightsOf,
  outputsOf,
  supervisedLoss,
  targetColumn,
  targetData,
} from '../network/supervised';
import { trainNetwork } from '../network/train-network';
import type { Trained } from '../trained';
import type { Branch } from './branch';

/** The one column that only the loss reads. */
const TRUTH = 'target/y';

export const trainBranches = async (
  spec: ConcreteSpec,
  training: BranchTraining,
  branches: readonly Branch[],
  data: TrainingData<SupervisedTarget>,
  context: TrainingContext,
): Promise<Trained> => {
  const { target } = data;
  const network = joined(branches, target, training);
  const classWeights = classWeightsOf(target, training.classWeights);
  const rowsOf = async (rows: Int32Array): Promise<Rows> => {
    const columns = await batchOf(branches, rows);
    return {
      count: rows.length,
      columns: { ...columns, [TRUTH]: targetData(target, targetsOf(target, rows), classWeights) },
    };
  };
  const truth = {
    training: targetsOf(target, data.training),
    validation: targetsOf(target, data.validation),
  };
  const { members, history } = await trainNetwork(
    network,
    {
      training: await rowsOf(data.training),
      validation: await rowsOf(data.validation),
      tally: (part) => new SupervisedTally(target, truth[part], classWeights),
    },
    branchOptions(training, data),
    context,
  );
  const answer = (batch: Readonly<Record<string, Value>>): Value => {
    const outputs = servedAnswer(network, members, { batch });
    return target.task === 'classification' ? op.Softmax(outputs, 1) : outputs;
  };
  return {
    spec,
    history,
    inputs: branches.flatMap(({ reads }) => reads),
    output: (columns) =>
      answer(Object.assign({}, ...branches.map((branch) => branch.served(columns))) as Record<string, Value>),
    predict: (rows, signal) => predicted(branches, answer, rows, signal),
  };
};

export const branchOptions = (
  spec: BranchTraining,
  { validation }: Pick<TrainingData, 'validation'>,
): TrainingOptions => ({
  ...PLAIN,
  optimizer: 'adamW',
  schedule: 'warmupCosine',
  learningRate: spec.learningRate,
  weightDecay: spec.weightDecay,
  batchSize: spec.batchSize,
  epochs: spec.epochs,
  patience: validation.length > 0 ? spec.patience : 0,
  clipNorm: 1,
  members: spec.members,
});

const batchOf = async (branches: readonly Branch[], rows: Int32Array): Promise<Rows['columns']> => {
  const parts = await Promise.all(branches.map((branch) => branch.data(rows)));
  return Object.assign({}, ...parts) as Rows['columns'];
};

const joined = (
  branches: readonly Branch[],
  target: SupervisedTarget,
  { hidden, dropout }: BranchTraining,
): Network => {
  const sizes = [branches.reduce((sum, { width }) => sum + width, 0), ...hidden, outputsOf(target)];
  const layers = sizes.slice(1).map((to, at) => ({ name: `dense${at}`, from: sizes[at] ?? 0, to }));
  const all = <T>(of: (branch: Branch) => Readonly<Record<string, T>>): Record<string, T> =>
    Object.assign({}, ...branches.map(of)) as Record<string, T>;
  const dense = Object.fromEntries(
    layers.flatMap(({ name, from, to }) => [
      [`${name}/kernel`, [from, to]],
      [`${name}/bias`, [to]],
    ]),
  );
  const buffers = all((branch) => branch.buffers);
  return {
    parameters: { ...all((branch) => branch.parameters), ...dense },
    ...(Object.keys(buffers).length > 0 && { buffers }),
    initial: (seed) => ({
      ...all((branch) => branch.initial(seed)),
      ...Object.fromEntries(
        layers.flatMap(({ name, from, to }, at) => [
          [`${name}/kernel`, (at < hidden.length ? heNormal : glorotUniform)([from, to], seed, 0xde45e + at)],
          [`${name}/bias`, new Float32Array(to)],
        ]),
      ),
    }),
    inputs: all((branch) => branch.inputs),
    targets: { [TRUTH]: targetColumn(target) },
    forward: (given) => head(branches, layers, dropout, given),
    loss: (outputs, batch) => supervisedLoss(target, outputs, known(batch, TRUTH)),
    decayed: [...branches.flatMap((branch) => branch.decayed), ...layers.map(({ name }) => `${name}/kernel`)],
    work:
      branches.reduce((sum, { work }) => sum + work, 0) +
      layers.reduce((sum, { from, to }) => sum + from * to, 0),
  };
};

const head = (
  branches: readonly Branch[],
  layers: readonly { readonly name: string }[],
  rate: number,
  given: Given,
): Value => {
  const parts = branches.map((branch) => branch.forward(given));
  let values = op.Concat(parts, 1);
  layers.forEach(({ name }, at) => {
    values = inLayer(name, ['hidden', at], () =>
      op.Gemm(
        given.dropout(values, rate),
        known(given.weights, `${name}/kernel`),
        known(given.weights, `${name}/bias`),
      ),
    );
    if (at < layers.length - 1) values = op.Relu(values);
  });
  return values;
};

const predicted = async (
  branches: readonly Branch[],
  answer: (batch: Readonly<Record<string, Value>>) => Value,
  rows: Int32Array,
  signal: AbortSignal,
): Promise<Float32Array> => {
  const columns = branches.flatMap((branch) => Object.entries(branch.inputs));
  const batch = Object.fromEntries(
    columns.map(([name, { dtype, dims }]) => [name, input(name, dtype, ['rows', ...dims])]),
  );
  const model = modelBytes({
    name: 'branches',
    inputs: Object.values(batch),
    outputs: { output: answer(batch) },
  });
  const feeds = async (from: number, to: number): Promise<Feeds> => {
    const data = await batchOf(branches, rows.subarray(from, to));
    return Object.fromEntries(
      columns.map(([name, { dims }]) => {
        const values = data[name];
        if (values === undefined) throw new Error(`no data for ${name}`);
        return [name, tensorOf(values, [to - from, ...dims])];
      }),
    );
  };
  return outputInBlocks(model, rows.length, feeds, signal, PREDICT_ROWS);
};

/** Activations of pictures are large. */
const PREDICT_ROWS = 256;

const known = (values: Readonly<Record<string, Value>>, name: string): Value => {
  const value = values[name];
  if (value === undefined) throw new Error(`the network has no ${name}`);
  return value;
};
