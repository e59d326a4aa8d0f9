import { PLAIN } from '../network/options';
import { neuralSeries } from '../series/neural';
import { rnnCore } from './core';

/** GRU and LSTM: unrolled over time while they learn, one operator each in the sealed file. */
export const rnn = neuralSeries(rnnCore, (spec) => ({
  ...PLAIN,
  optimizer: 'adamW',
  schedule: 'warmupCosine',
  learningRate: spec.learningRate,
  batchSize: spec.batchSize,
  epochs: spec.epochs,
  patience: spec.patience,
  weightDecay: spec.weightDecay,
  clipNorm: spec.clipNorm,
  members: spec.members,
}));
