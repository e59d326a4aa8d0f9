import { neuralSeries } from '../series/neural';
import { rnnCore } from './core';

/** GRU and LSTM: unrolled over time while they learn, one operator each in the sealed file. */
export const rnn = neuralSeries(rnnCore);
