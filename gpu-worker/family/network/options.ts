/** How a network is trained, whatever it is. */
import { adam, adamW, constantRate, cosine, sgd, warmUpCosine } from '../../../onnx';
import type { Optimizer, Schedule } from '../../../onnx';
import { Failure } from '../../../contracts';
import type { Precision } from '../../../contracts';
import type { Network } from './network';

export interface TrainingOptions {
  /** `sgd` has a momentum of 0.9. */
  readonly optimizer: 'adam' | 'adamW' | 'sgd';
  readonly learningRate: number;
  /**
   * `plateau` halves the rate when the validation loss, or without validation rows the training loss, has not fallen for
   * `PLATEAU_PATIENCE` epochs.
   */
  readonly schedule: 'constant' | 'cosine' | 'warmupCosine' | 'plateau';
  readonly batchSize: number;
  readonly epochs: number;
  /** Stop after this many epochs without a better validation loss and keep the best weights; 0 = never stop. */
  readonly patience: number;
  /** Limit of the common Euclidean norm of all gradients; 0 = none. */
  readonly clipNorm: number;
  /** Penalty on the squared decayed weights, added to the loss. */
  readonly l2: number;
  /** adamW only: decoupled decay of the decayed weights. */
  readonly weightDecay: number;
  /** Independently seeded networks, trained side by side on the same graph. */
  readonly members: number;
  /** Left out, and where `auto` was not decided (train/precision.ts): float32. */
  readonly precision?: Precision['precision'];
}

/** The plainest training; families change what they need. */
export const PLAIN: TrainingOptions = {
  optimizer: 'adam',
  learningRate: 0.001,
  schedule: 'constant',
  batchSize: 32,
  epochs: 100,
  patience: 0,
  clipNorm: 0,
  l2: 0,
  weightDecay: 0,
  members: 1,
};

/** Recurrence, attention and deep branches have steep places: the rate grows slowly, and long gradients are cut. */
export const warmedUp = ({
  learningRate,
  batchSize,
  epochs,
  patience,
  weightDecay,
  clipNorm = 1,
  members,
  precision,
}: Omit<TrainingOptions, 'optimizer' | 'schedule' | 'l2' | 'clipNorm'> &
  Partial<Pick<TrainingOptions, 'clipNorm'>>): TrainingOptions => ({
  optimizer: 'adamW',
  schedule: 'warmupCosine',
  l2: 0,
  ...{ learningRate, batchSize, epochs, patience, weightDecay, clipNorm, members },
  ...(precision && { precision }),
});

export const PLATEAU_PATIENCE = 5;

/** Share of all steps in which `warmupCosine` grows to the full rate. */
const WARM_UP = 0.05;

export const optimizerOf = (
  { optimizer, weightDecay }: TrainingOptions,
  { decayed }: Pick<Network, 'decayed'>,
): Optimizer => {
  switch (optimizer) {
    case 'adam':
      return adam();
    case 'adamW':
      return adamW({ weightDecay, decays: ({ name }) => decayed.includes(name) });
    case 'sgd':
      return sgd({ momentum: 0.9 });
  }
};

export const scheduleOf = (
  { schedule, learningRate: rate, epochs }: TrainingOptions,
  stepsPerEpoch: number,
): Schedule => {
  const steps = epochs * stepsPerEpoch;
  switch (schedule) {
    case 'constant':
    case 'plateau':
      return constantRate(rate);
    case 'cosine':
      return cosine({ rate, steps });
    case 'warmupCosine':
      return warmUpCosine({ rate, steps, warmUp: Math.floor(WARM_UP * steps) });
  }
};

/** Throws BAD_SPEC with the path of the option that cannot be. */
export const checkOptions = (options: TrainingOptions): void => {
  const positive = ['learningRate', 'batchSize', 'epochs', 'members'] as const;
  const atLeastZero = ['patience', 'clipNorm', 'l2', 'weightDecay'] as const;
  for (const name of positive)
    if (!(options[name] > 0)) throw bad(name, `${name} must be above 0, got ${options[name]}`);
  for (const name of atLeastZero)
    if (!(options[name] >= 0)) throw bad(name, `${name} must not be negative, got ${options[name]}`);
  if (options.weightDecay > 0 && options.optimizer !== 'adamW')
    throw bad('weightDecay', `weightDecay belongs to the optimizer adamW, not ${options.optimizer}; use l2`);
};

const bad = (name: string, message: string): Failure =>
  new Failure('BAD_SPEC', message, { path: ['spec', name] });
