import { availableParallelism } from 'node:os';
import type { Epoch, TreesSpec } from '../../../contracts';
import { RAW } from '../../prepare/encoding';
import { preparedFeatures } from '../../prepare/graph';
import type { FeatureMatrix } from '../../prepare/matrix';
import { signatureInputs } from '../../prepare/preparation';
import type { Preparation } from '../../prepare/preparation';
import type { SupervisedTarget } from '../../prepare/target';
import type { Prepared } from '../data';
import type { Family } from '../family';
import type { Trained } from '../trained';
import { readingLags } from '../lagged';
import type { Forest } from './forest';
import { forestOutput } from './forest-output';
import type { Examples, Feature } from './learning';
import { linkOf } from './link';
import { monotoneOf, optionsOf, targetsOf } from './options';
import { readPartial, writePartial } from './partial';
import { Predictor } from './predictor';
import { exactShapley } from './exact-shapley';
import { grownUntil, trainForest } from './train-forest';
import type { Round } from './train-forest';

/** More threads wait for each other more than they help. */
const MOST_THREADS = 8;

/** Gradient boosting of histogram trees (train-forest.ts). */
export const trees: Family<TreesSpec, SupervisedTarget> = readingLags({
  tasks: ['regression', 'classification'],
  validationFraction: (spec) => spec.validationFraction,
  train: async (spec, data, context) => {
    const { preparation, target, training, validation } = await data.prepared({
      ...RAW,
      targetAbove: spec.targetEncodingAbove ?? null,
      interactions: spec.interactions,
    });
    const options = optionsOf(spec, target, monotoneOf(spec, data.columns, preparation), context.seed);
    const examplesOf = (rows: Int32Array, prepared: Prepared['training']): Examples => ({
      rows: rows.length,
      features: featuresOf(preparation, prepared.features),
      ...targetsOf(spec, target, rows, prepared.targets),
    });
    const fingerprint = JSON.stringify([options, data.training.length, data.validation.length, preparation]);
    const latest = context.checkpoints?.latest ?? null;
    const partial = latest === null ? undefined : readPartial(fingerprint, latest);
    const grown = await trainForest(
      examplesOf(data.training, training),
      data.validation.length > 0 ? examplesOf(data.validation, validation) : undefined,
      options,
      {
        signal: context.signal,
        threads: Math.min(availableParallelism(), MOST_THREADS),
        ...(partial && { partial }),
        onBlock: (rounds, state) => {
          const done = rounds.at(-1)?.round ?? 0;
          context.progress(done / spec.trees, epochsOf(rounds, spec, target));
          context.checkpoints?.offer(() => writePartial(fingerprint, state()));
        },
        ...(context.enough && { enough: context.enough }),
      },
    );
    const link = linkOf(spec, target);
    const history = epochsOf(grown.history, spec, target);
    const trainedOf = (forest: Forest): Trained => {
      const predictor = new Predictor(forest);
      return {
        spec,
        history,
        inputs: signatureInputs(preparation),
        output: (columns) => link.nodes(forestOutput(forest)(preparedFeatures(preparation, columns))),
        predict: async (rows, signal) => {
          const matrix = await data.matrix(preparation, rows);
          return link.numbers(await predictor.scores(matrix, signal));
        },
        shapley: exactShapley(forest, preparation, link, data),
      };
    };
    return {
      ...trainedOf(grown.forest),
      parts: {
        count: grown.forest.trees.length / grown.forest.base.length,
        name: 'rounds of trees',
        first: (rounds) => trainedOf(grownUntil(grown, rounds)),
      },
    };
  },
});

/** Columns of the matrix; those that hold codes are categories. */
const featuresOf = ({ blocks }: Preparation, { values, width }: FeatureMatrix): Feature[] =>
  blocks.flatMap(({ kind, from, width: wide }) =>
    Array.from({ length: wide }, (_, at): Feature => ({
      kind: kind === 'code' ? 'category' : 'number',
      values,
      offset: from + at,
      stride: width,
    })),
  );

/** Rounds for which the training loss is known. */
const epochsOf = (rounds: readonly Round[], spec: TreesSpec, target: SupervisedTarget): Epoch[] =>
  rounds.flatMap(({ round, loss, validationLoss }) => {
    if (loss === null) return [];
    const epoch: Epoch = { epoch: round, loss, valLoss: validationLoss };
    if (target.task !== 'regression' || spec.objective === 'poisson') return [epoch];
    const { deviation } = target;
    const of = (value: number | null, unit: number): number | null => (value === null ? null : value * unit);
    switch (spec.objective) {
      case 'squared':
        return [{ ...epoch, mse: of(loss, deviation ** 2), valMse: of(validationLoss, deviation ** 2) }];
      case 'absolute':
        return [{ ...epoch, mae: of(loss, deviation), valMae: of(validationLoss, deviation) }];
      case 'quantile':
        return [epoch];
    }
  });
