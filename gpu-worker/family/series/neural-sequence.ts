/** Networks that judge a row together with the rows before it. */
import { constant, modelBytes, op, tensor } from '../../../onnx';
import type { Value } from '../../../onnx';
import type { ConcreteSpec, WindowOptions } from '../../../contracts';
import { outputInBlocks } from '../../engine/in-blocks';
import { typedInputs } from '../../prepare/graph';
import type { SupervisedTarget } from '../../prepare/target';
import { rowOrder, windowBlockRows, windowFeeds } from '../../prepare/window';
import {
  fitWindowPreparation,
  stepMatrix,
  windowFeatures,
  windowInputs,
  windowWidth,
} from '../../prepare/window-features';
import type { WindowPreparation } from '../../prepare/window-features';
import { targetsOf } from '../data';
import type { TrainingContext, TrainingData } from '../data';
import type { Network } from '../network/network';
import type { TrainingOptions } from '../network/options';
import {
  classWeightsOf,
  outputsOf,
  supervisedLoss,
  SupervisedTally,
  targetColumn,
  targetData,
} from '../network/supervised';
import { trainNetwork } from '../network/train-network';
import type { Trained } from '../trained';
import { membersAnswer } from './sequence-core';
import type { CoreShape, SequenceCore } from './sequence-core';

/** Cells of held-out rows are hidden in every window that teaches or chooses. */
export const trainNeuralSequence = async (
  spec: ConcreteSpec,
  window: WindowOptions,
  coreOf: (shape: CoreShape) => SequenceCore,
  options: TrainingOptions,
  data: TrainingData<SupervisedTarget>,
  context: TrainingContext,
): Promise<Trained> => {
  const { table, target, training, validation } = data;
  const { length } = window;
  const order = rowOrder(table, window.order, window.group ?? null);
  const columns = data.columns.filter(({ spec: { name } }) => name !== window.group);
  const preparation = fitWindowPreparation(columns, training, window);
  const core = coreOf({ length, channels: windowWidth(preparation), outputs: outputsOf(target) });
  const hidden = (row: number): boolean => table.holdout[row] === 1;
  const { values, width, step } = await stepMatrix(table, preparation, order, hidden, context.signal);
  const back = constant(
    tensor(
      'int32',
      Int32Array.from({ length }, (_, i) => i + 1 - length),
      [1, length],
    ),
  );
  const network: Network<'step', 'y'> = {
    ...core,
    inputs: { step: { dtype: 'int32', dims: [] } },
    targets: { y: targetColumn(target) },
    resident: { steps: { dtype: 'float32', shape: ['steps', width] } },
    forward: ({ weights, dropout, batch, resident: { steps } }) => {
      const places = op.Add(op.Unsqueeze(batch.step, [1]), back);
      return core.forward({ weights, dropout, fused: false }, op.Gather(steps, places));
    },
    loss: (outputs, { y }) => supervisedLoss(target, outputs, y),
  };
  const weights = classWeightsOf(target, 'none');
  const examples = (rows: Int32Array) => ({
    count: rows.length,
    columns: {
      step: Int32Array.from(rows, (row) => step[row]),
      y: targetData(target, targetsOf(target, rows), weights),
    },
  });
  const { members, history } = await trainNetwork(
    network,
    {
      training: examples(training),
      validation: examples(validation),
      resident: { steps: { data: values, dims: [values.length / width, width] } },
      tally: (part) =>
        new SupervisedTally(target, targetsOf(target, part === 'training' ? training : validation), weights),
    },
    options,
    context,
  );
  const output =
    (fused: boolean) =>
    (typed: Readonly<Record<string, Value>>): Value => {
      const features = windowFeatures(preparation, typed);
      return membersAnswer(core, members, fused, (forward) => {
        const answer = forward(features);
        return target.task === 'classification' ? op.Softmax(answer) : answer;
      });
    };
  return {
    spec,
    history,
    inputs: windowInputs(preparation),
    output: output(true),
    predict: async (rows, signal) => {
      const feeds = (block: Int32Array) => windowFeeds(table, fedColumns(preparation), order, block);
      return answersOf(preparation, output(false), rows, feeds, signal);
    },
  };
};

const fedColumns = ({ base, length }: WindowPreparation): { name: string; window: number }[] =>
  base.specs.map(({ name }) => ({ name, window: length }));

const answersOf = async (
  preparation: WindowPreparation,
  output: (typed: Readonly<Record<string, Value>>) => Value,
  rows: Int32Array,
  feeds: (block: Int32Array) => ReturnType<typeof windowFeeds>,
  signal: AbortSignal,
): Promise<Float32Array> => {
  const inputs = typedInputs(windowInputs(preparation));
  const model = modelBytes({
    name: 'trained',
    inputs: Object.values(inputs),
    outputs: { output: output(inputs) },
  });
  return outputInBlocks(
    model,
    rows.length,
    (from, to) => feeds(rows.subarray(from, to)),
    signal,
    windowBlockRows(preparation.length * windowWidth(preparation)),
  );
};
