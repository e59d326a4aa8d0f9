import type { BranchTraining, TransformerSpec } from '../../../contracts';
import type { ForecastTarget, SupervisedTarget } from '../../prepare/target';
import { textBranch } from '../branch/text';
import type { TextColumn } from '../branch/text';
import { trainBranches } from '../branch/train-branches';
import { isSupervised } from '../data';
import type { TrainingData } from '../data';
import type { Family } from '../family';
import { neuralSeries } from '../series/neural';
import { transformerCore } from './core';

const series = neuralSeries(transformerCore);

/** A transformer encoder over patches of windows, or over the words of texts. */
export const transformer: Family<TransformerSpec, SupervisedTarget | ForecastTarget> = {
  ...series,
  train: (spec, data: TrainingData, context) => {
    if (spec.window !== undefined || !isSupervised(data)) return series.train(spec, data as never, context);
    const texts = data.columns.filter((column): column is TextColumn => column.kind === 'text');
    if (texts.length === 0) return series.train(spec, data, context);
    const branches = texts.map((column) => textBranch(column, data.training, spec));
    return trainBranches(spec, trainingOf(spec), branches, data, context);
  },
};

const trainingOf = (spec: TransformerSpec): BranchTraining => ({
  hidden: [],
  dropout: spec.dropout,
  learningRate: spec.learningRate,
  weightDecay: spec.weightDecay,
  batchSize: spec.batchSize,
  epochs: spec.epochs,
  validationFraction: spec.validationFraction,
  patience: spec.patience,
  classWeights: 'none',
  members: spec.members,
  ...(spec.precision && { precision: spec.precision }),
});
