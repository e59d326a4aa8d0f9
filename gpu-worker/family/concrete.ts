import { Failure, oneOf } from '../../contracts';
import type { ConcreteSpec, LearningTask } from '../../contracts';
import type { TrainingContext, TrainingData } from './data';
import type { Family } from './family';
import { autoencoder } from './autoencoder/autoencoder';
import { cnn } from './cnn/cnn';
import { fusion } from './fusion/fusion';
import { gan } from './gan/gan';
import { gaussianMixture } from './gaussian-mixture/gaussian-mixture';
import { isolationForest } from './isolation-forest/isolation-forest';
import { kMeansFamily } from './k-means/k-means';
import { linear } from './linear/linear';
import { mlp } from './mlp/mlp';
import { rnn } from './rnn/rnn';
import { transformer } from './transformer/transformer';
import { trees } from './trees/trees';
import type { Trained } from './trained';

type FamilyName = ConcreteSpec['family'];

/** Every family that there is; a spec without its entry here does not compile. */
const FAMILY: { readonly [F in FamilyName]: Family<Extract<ConcreteSpec, { family: F }>> } = {
  linear,
  trees,
  mlp,
  cnn,
  fusion,
  rnn,
  transformer,
  'k-means': kMeansFamily,
  'gaussian-mixture': gaussianMixture,
  'isolation-forest': isolationForest,
  autoencoder,
  gan,
};

const familyOf = (spec: ConcreteSpec): Family<ConcreteSpec> => FAMILY[spec.family];

export const familiesOf = (task: LearningTask): FamilyName[] =>
  (Object.keys(FAMILY) as FamilyName[]).filter((name) => FAMILY[name].tasks.includes(task));

/** Throws BAD_SPEC, listing the families that can, when this one cannot do the task. */
export const checkTask = (spec: ConcreteSpec, task: LearningTask): void => {
  if (familyOf(spec).tasks.includes(task)) return;
  throw new Failure('BAD_SPEC', oneOf(`family for a ${task}`, spec.family, familiesOf(task)), {
    path: ['spec', 'family'],
  });
};

export const validationFractionOf = (spec: ConcreteSpec): number => familyOf(spec).validationFraction(spec);

export const trainConcrete = (
  spec: ConcreteSpec,
  data: TrainingData,
  context: TrainingContext,
): Promise<Trained> => {
  checkTask(spec, data.target.task);
  return familyOf(spec).train(spec, data, context);
};
