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
import { denseLayers, denseParameters, denseStack, denseStart, denseWork, kernelOf } from '../network/dense';
import { named } from '../network/network';
import type { Network, Rows } from '../network/network';
import { warmedUp } from '../network/options';
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
  ...warmedUp(spec),
  patience: validation.length > 0 ? spec.patience : 0,
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
  const layers = denseLayers('dense', sizes);
  const all = <T>(of: (branch: Branch) => Readonly<Record<string, T>>): Record<string, T> =>
    Object.assign({}, ...branches.map(of)) as Record<string, T>;
  const buffers = all((branch) => branch.buffers);
  return {
    parameters: { ...all((branch) => branch.parameters), ...denseParameters(layers) },
    ...(Object.keys(buffers).length > 0 && { buffers }),
    initial: (seed) => ({
      ...all((branch) => branch.initial(seed)),
      ...denseStart(layers, (dims, at) =>
        (at < hidden.length ? heNormal : glorotUniform)(dims, seed, 0xde45e + at),
      ),
    }),
    inputs: all((branch) => branch.inputs),
    targets: { [TRUTH]: targetColumn(target) },
    forward: (given) => {
      const parts = branches.map((branch) => branch.forward(given));
      return denseStack(op.Concat(parts, 1), given.weights, layers, {
        dropout: (x) => given.dropout(x, dropout),
      });
    },
    loss: (outputs, batch) => supervisedLoss(target, outputs, named(batch, TRUTH)),
    decayed: [...branches.flatMap((branch) => branch.decayed), ...layers.map(kernelOf)],
    work: branches.reduce((sum, { work }) => sum + work, 0) + denseWork(layers),
  };
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
      columns.map(([name, { dims }]) => [name, tensorOf(named(data, name), [to - from, ...dims])]),
    );
  };
  return outputInBlocks(model, rows.length, feeds, signal, PREDICT_ROWS);
};

/** Activations of pictures are large. */
const PREDICT_ROWS = 256;
