import type { Epoch } from '../../../contracts';
import type { Scores } from './network';

/** One epoch's figures as the history tells them. */
export const epochOf = (
  epoch: number,
  training: Scores | undefined,
  validation: Scores | undefined,
): Epoch => ({
  epoch,
  loss: training?.loss ?? NaN,
  valLoss: validation?.loss ?? null,
  ...(training?.mse !== undefined && {
    mae: training.mae ?? null,
    mse: training.mse,
    valMae: validation?.mae ?? null,
    valMse: validation?.mse ?? null,
  }),
  ...(training?.accuracy !== undefined && {
    accuracy: training.accuracy,
    valAccuracy: validation?.accuracy ?? null,
  }),
});
