/** What to train, one file a family. Everything has a default but the family. */
import { z } from 'zod';
import { AutoSpec } from './auto';
import { CnnSpec } from './cnn';
import { FusionSpec } from './fusion';
import { GanSpec } from './gan';
import { LinearSpec } from './linear';
import { MlpSpec } from './mlp';
import { RnnSpec } from './rnn';
import { TransformerSpec } from './transformer';
import { TreesSpec } from './trees';
import { AutoencoderSpec, GaussianMixtureSpec, IsolationForestSpec, KMeansSpec } from './unsupervised';

export * from './auto';
export * from './cnn';
export * from './fusion';
export * from './gan';
export * from './linear';
export * from './mlp';
export * from './trees';
export * from './unsupervised';
export * from './precision';
export * from './rnn';
export * from './scaling';
export * from './series';
export * from './transformer';

/** A spec that says what to train, not that it should be searched for. */
export const ConcreteSpec = z.discriminatedUnion('family', [
  LinearSpec,
  TreesSpec,
  MlpSpec,
  CnnSpec,
  FusionSpec,
  RnnSpec,
  TransformerSpec,
  KMeansSpec,
  GaussianMixtureSpec,
  IsolationForestSpec,
  AutoencoderSpec,
  GanSpec,
]);
export type ConcreteSpec = z.infer<typeof ConcreteSpec>;

export const ModelSpec = z.discriminatedUnion('family', [AutoSpec, ...ConcreteSpec.options]);
export type ModelSpec = z.infer<typeof ModelSpec>;

export const FAMILIES: readonly ModelSpec['family'][] = ModelSpec.options.map(
  ({ shape }) => shape.family.value,
);
