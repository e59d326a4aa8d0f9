import { GraphError } from '../errors';

/** Learning rate of a step, counted from 0 over the whole training: pure, so a resumed run goes on where it was. */
export type Schedule = (step: number) => number;

const requirePositive = (what: string, value: number): void => {
  if (!(value > 0)) throw new GraphError(`schedule: ${what} must be positive, got ${value}`);
};

export const constantRate = (rate: number): Schedule => {
  requirePositive('the learning rate', rate);
  return () => rate;
};

export interface CosineOptions {
  /** The highest rate. */
  readonly rate: number;
  /** Length of the whole training; later steps keep the last rate. */
  readonly steps: number;
  /** Rate at the end. Default 0. */
  readonly final?: number;
}

/** Half a cosine from `rate` down to `final` (Loshchilov & Hutter 2017, without restarts). */
export const cosine = ({ rate, steps, final = 0 }: CosineOptions): Schedule => {
  requirePositive('the learning rate', rate);
  requirePositive('the number of steps', steps);
  return (step) => final + ((rate - final) * (1 + Math.cos((Math.PI * Math.min(step, steps)) / steps))) / 2;
};

export interface WarmUpOptions extends CosineOptions {
  /** Steps in which the rate grows linearly; the last of them is the first at full `rate`. */
  readonly warmUp: number;
}

/** Linear warm-up (Goyal et al. 2017), then a cosine over what is left of `steps`. */
export const warmUpCosine = ({ warmUp, steps, ...rest }: WarmUpOptions): Schedule => {
  if (!(warmUp >= 0 && warmUp < steps))
    throw new GraphError(`schedule: the warm-up must be shorter than the ${steps} steps, got ${warmUp}`);
  const after = cosine({ ...rest, steps: steps - warmUp });
  return (step) => (step < warmUp ? (rest.rate * (step + 1)) / warmUp : after(step - warmUp));
};

export interface PlateauOptions {
  /** What the rate is multiplied by. Default 0.5. */
  readonly factor?: number;
  /** Evaluations without improvement that are borne. Default 5. */
  readonly patience?: number;
  /** How much lower than the best a loss must be to count, relative. Default 1e-4. */
  readonly threshold?: number;
  /** The scale never falls below this. Default 1e-3. */
  readonly lowest?: number;
}

/** Plain numbers: a checkpoint stores it as it is. */
export interface Plateau {
  /** What the base rate is to be multiplied by. */
  readonly scale: number;
  /** Lowest validation loss so far; null before the first. */
  readonly best: number | null;
  /** Evaluations since then, or since the last reduction. */
  readonly waited: number;
}

export const PLATEAU_START: Plateau = { scale: 1, best: null, waited: 0 };

/** Reduce on plateau (as in Keras and PyTorch): the state after one more validation loss. */
export const afterValidation = (
  state: Plateau,
  loss: number,
  { factor = 0.5, patience = 5, threshold = 1e-4, lowest = 1e-3 }: PlateauOptions = {},
): Plateau => {
  if (state.best === null || loss < state.best - threshold * Math.abs(state.best))
    return { ...state, best: loss, waited: 0 };
  if (state.waited < patience) return { ...state, waited: state.waited + 1 };
  return { ...state, scale: Math.max(lowest, state.scale * factor), waited: 0 };
};
