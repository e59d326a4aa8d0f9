import { PLAIN } from '../network/options';
import { neuralSeries } from '../series/neural';
import { transformerCore } from './core';

/** A transformer encoder over patches of windows. */
export const transformer = neuralSeries(transformerCore, (spec) => ({
  ...PLAIN,
  optimizer: 'adamW',
  schedule: 'warmupCosine',
  learningRate: spec.learningRate,
  batchSize: spec.batchSize,
  epochs: spec.epochs,
  patience: spec.patience,
  weightDecay: spec.weightDecay,
  clipNorm: 1,
  members: spec.members,
}));
