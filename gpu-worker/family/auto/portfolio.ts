import { LinearSpec, MlpSpec } from '../../../contracts';
import type { ConcreteSpec } from '../../../contracts';

/** Piecewise-linear features that all number columns together may become, and cells of their matrix. */
const WIDEST_PIECEWISE = 4096;
const MOST_CELLS = 100_000_000;
const FEWEST_BINS = 4;

/**
 * What `auto` tries, cheapest first, the favourite last. Sizes depend on the number of training rows and number columns only, so that the
 * same data always gets the same search. On tables a network gains most from piecewise-linear encoding and from
 * averaging a few members (Gorishniy et al. 2022 and, for ensembles, «TabM», ICLR 2025).
 */
export const portfolio = (trainingRows: number, numberColumns: number): ConcreteSpec[] => {
  const small = trainingRows < 3000;
  const large = trainingRows > 50_000;
  const epochs = Math.round(Math.min(400, Math.max(12, 2_000_000 / trainingRows)));
  const common = {
    family: 'mlp',
    epochs,
    patience: Math.max(3, Math.min(small ? 30 : 12, Math.ceil(epochs / 5))),
    batchSize: small ? 32 : large ? 1024 : 256,
    learningRate: small ? 0.003 : 0.002,
    members: large ? 1 : 2,
  } as const;
  const bins = Math.min(
    small ? 16 : 32,
    Math.floor(WIDEST_PIECEWISE / numberColumns),
    Math.floor(MOST_CELLS / (numberColumns * trainingRows)),
  );
  const piecewise = {
    ...common,
    hidden: small ? [128, 64] : [128, 128],
    numeric: 'piecewise',
    bins,
    // Slower than the plain network: with so many inputs a fast one settles in worse places.
    learningRate: small ? 0.0015 : 0.001,
    dropout: 0.1,
    members: small ? 4 : common.members,
  } as const;
  return [
    LinearSpec.parse({ family: 'linear' }),
    MlpSpec.parse({ ...common, hidden: [64, 64] }),
    ...(numberColumns > 0 && bins >= FEWEST_BINS ? [MlpSpec.parse(piecewise)] : []),
  ];
};
