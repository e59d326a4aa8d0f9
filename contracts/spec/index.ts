/** What to train, one file a family. Everything has a default but the family. */
import { z } from 'zod';
import { AutoSpec } from './auto';
import { LinearSpec } from './linear';
import { MlpSpec } from './mlp';

export * from './auto';
export * from './linear';
export * from './mlp';

export const ModelSpec = z.discriminatedUnion('family', [AutoSpec, LinearSpec, MlpSpec]);
export type ModelSpec = z.infer<typeof ModelSpec>;
/** A spec that says what to train, not that it should be searched for. */
export type ConcreteSpec = Exclude<ModelSpec, AutoSpec>;

export const FAMILIES: readonly ModelSpec['family'][] = ModelSpec.options.map(
  ({ shape }) => shape.family.value,
);
