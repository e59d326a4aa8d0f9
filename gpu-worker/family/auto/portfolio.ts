import { LinearSpec, MlpSpec } from '../../../contracts';
import type { ConcreteSpec } from '../trained';

/**
 * What `auto` tries, cheapest first. Sizes depend on the number of training rows only, so that the same data always
 * gets the same search. On tables a network gains most from piecewise-linear encoding and from averaging a few
 * members (Gorishniy et al. 2022 and, for ensembles, «TabM», ICLR 2025).
 */
export const portfolio = (trainingRows: number): ConcreteSpec[] => {
  const small = trainingRows < 3000;
  const epochs = Math.round(Math.min(300, Math.max(12, 2_000_000 / trainingRows)));
  const common = {
    family: 'mlp',
    epochs,
    patience: Math.max(3, Math.min(small ? 24 : 12, Math.ceil(epochs / 5))),
    batchSize: small ? 32 : trainingRows < 50_000 ? 256 : 1024,
  } as const;
  return [
    LinearSpec.parse({ family: 'linear' }),
    MlpSpec.parse({ ...common, hidden: [64, 64], learningRate: small ? 0.003 : 0.002, members: 2 }),
    MlpSpec.parse({
      ...common,
      hidden: small ? [128, 64] : [128, 128],
      numeric: 'piecewise',
      bins: small ? 16 : 32,
      learningRate: small ? 0.003 : 0.001,
      dropout: 0.1,
      members: small ? 4 : 2,
    }),
  ];
};
