import { Failure, LinearSpec, MlpSpec, TreesSpec, oneOf } from '../../contracts';
import type { AutoSpec, ConcreteSpec, LearningTask, SearchShape } from '../../contracts';

/** Piecewise-linear features that all number columns together may become, and cells of their matrix. */
const WIDEST_PIECEWISE = 4096;
const MOST_CELLS = 100_000_000;
const FEWEST_BINS = 4;

/**
 * What a search tries, in the order in which it is known to do well for its cost. Depends on nothing but the shape, so
 * that the same data always gets the same search. On tables a network gains most from piecewise-linear encoding and from
 * averaging a few members (Gorishniy et al. 2022 and, for ensembles, «TabM», ICLR 2025).
 */
export const portfolio = (shape: SearchShape, families?: readonly string[]): ConcreteSpec[] => {
  const [first, ...forests] = trees(shape);
  const all = [...(first === undefined ? [] : [first]), ...linears(shape), ...networks(shape), ...forests];
  return families === undefined ? all : all.filter(({ family }) => families.includes(family));
};

/** Slow rates and sampled columns, which bags of folds gain from; leaves by how many rows there are to fill them. */
const trees = ({ rows }: SearchShape): ConcreteSpec[] => {
  const small = rows < 3000;
  const common = {
    family: 'trees',
    trees: small ? 800 : 1500,
    learningRate: rows > 50_000 ? 0.1 : 0.05,
    patience: 40,
    rows: { kind: 'bagging', fraction: 0.8 },
  } as const;
  const settings = small
    ? [
        { leaves: 15, minRows: 5, columnFraction: 0.7 },
        {
          ...{ leaves: 20, minRows: 1, columnFraction: 0.7, l2: 0.1, learningRate: 0.1, trees: 1500 },
          rows: { kind: 'bagging', fraction: 0.9 },
        },
        { leaves: 6, minRows: 10, columnFraction: 0.4, l2: 5 },
      ]
    : [
        { leaves: 31, minRows: 10, columnFraction: 0.7 },
        { leaves: 95, minRows: 10, columnFraction: 0.5, l2: 3 },
        { leaves: 10, minRows: 20, columnFraction: 0.5, l2: 3 },
      ];
  return settings.map((setting) => TreesSpec.parse({ ...common, ...setting }));
};

const linears = ({ rows }: SearchShape): ConcreteSpec[] =>
  [1, ...(rows < 3000 ? [30] : [])].map((l2) => LinearSpec.parse({ family: 'linear', l2 }));

const networks = ({ rows, numbers }: SearchShape): ConcreteSpec[] => {
  const small = rows < 3000;
  const large = rows > 50_000;
  const epochs = Math.round(Math.min(120, Math.max(12, 1_000_000 / rows)));
  const common = {
    family: 'mlp',
    epochs,
    patience: Math.max(3, Math.min(16, Math.ceil(epochs / 5))),
    batchSize: small ? 32 : large ? 1024 : 256,
    learningRate: small ? 0.003 : 0.002,
    members: 1,
  } as const;
  const bins = Math.min(
    small ? 16 : 32,
    Math.floor(WIDEST_PIECEWISE / numbers),
    Math.floor(MOST_CELLS / (numbers * rows)),
  );
  const plain = MlpSpec.parse({ ...common, hidden: [64, 64] });
  if (numbers === 0 || bins < FEWEST_BINS) return [plain];
  const piecewise = {
    ...common,
    hidden: small ? [128, 64] : [128, 128],
    numeric: 'piecewise',
    bins,
    // Slower than the plain network: with so many inputs a fast one settles in worse places.
    learningRate: small ? 0.0015 : 0.001,
    dropout: 0.1,
  } as const;
  return [MlpSpec.parse(piecewise), plain];
};

/** Throws BAD_SPEC for a family of `families` that is not among what is `offered`. */
export const requireOffered = (
  families: AutoSpec['families'],
  offered: readonly ConcreteSpec[],
  task: LearningTask,
): void => {
  const names = [...new Set(offered.map(({ family }) => family))];
  for (const [at, family] of (families ?? []).entries())
    if (!names.some((name) => name === family))
      throw new Failure('BAD_SPEC', oneOf(`family to try for this ${task}`, family, names), {
        path: ['spec', 'families', at],
      });
};

/** As the leaderboard and the progress name it. */
export const titleOf = (spec: ConcreteSpec): string => {
  const interactions = 'interactions' in spec && (spec.interactions ?? 0) > 0 ? ', interactions' : '';
  if (spec.family === 'linear') return `linear, l2 ${spec.l2}${interactions}`;
  if (spec.family === 'trees')
    return `trees of ${spec.leaves} leaves, at least ${spec.minRows} rows in each, ${spec.columnFraction} of the columns${interactions}`;
  if ('clusters' in spec) return `${spec.family}, ${spec.clusters} groups`;
  if (spec.family !== 'mlp') return spec.family;
  const encoding = spec.numeric === 'piecewise' ? ', piecewise-linear encoding' : '';
  return `mlp ${spec.hidden.join('-')}${encoding}${spec.dropout > 0 ? `, dropout ${spec.dropout}` : ''}${interactions}`;
};
