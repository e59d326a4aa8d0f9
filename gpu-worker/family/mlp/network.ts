/** Multi-layer perceptrons on prepared features: embeddings, hidden layers, one head or many. */
import { countOf, op, softmaxCrossEntropy } from '../../../onnx';
import type { Parameters, Value } from '../../../onnx';
import type { MlpSpec } from '../../../contracts';
import type { FeatureBlock } from '../../prepare/blocks';
import type { SupervisedTarget } from '../../prepare/target';
import type { Given, Network } from '../network/network';
import { outputsOf, supervisedLoss, targetColumn } from '../network/supervised';
import { backbone, backboneParameters, backboneStart } from './backbone';
import type { BackboneOptions } from './backbone';
import { featureEmbedding } from './embedding';
import type { EmbeddingOptions } from './embedding';
import { adapted, adapterParameters, adapterStart, head, headParameters, headStart, joined } from './head';

export type MlpOptions = BackboneOptions &
  EmbeddingOptions &
  Pick<MlpSpec, 'labelSmoothing' | 'sharedMembers'>;

export interface MlpFeatures {
  readonly width: number;
  readonly blocks: readonly FeatureBlock[];
}

/** Column `x` [width] is one example's features; `y` see network/supervised.ts. */
export const mlpNetwork = (
  target: SupervisedTarget,
  { width, blocks }: MlpFeatures,
  options: MlpOptions,
): Network<'x', 'y'> => {
  const { hidden, sharedMembers: count } = options;
  const outputs = outputsOf(target);
  const classify = target.task === 'classification';
  const embedding = featureEmbedding(blocks, width, options);
  const members = { count, sections: embedding.sections };
  const layers = backboneParameters(options, embedding.width);
  const last = headParameters(hidden.length, hidden.at(-1) ?? embedding.width, outputs, count);
  const parameters: Parameters = {
    ...embedding.parameters,
    ...adapterParameters(members),
    ...layers,
    ...last,
  };
  return {
    parameters,
    initial: (seed) => ({
      ...embedding.initial(seed),
      ...adapterStart(members, seed),
      ...backboneStart(layers, seed),
      ...headStart(last, seed, Object.keys(layers).length),
    }),
    inputs: { x: { dtype: 'float32', dims: [width] } },
    targets: { y: targetColumn(target) },
    forward: ({ weights, batch, dropout }: Given<'x'>) => {
      const features = adapted(embedding.apply(batch.x, weights), weights, count);
      const values = backbone(options, features, weights, dropout);
      return head(values, weights, hidden.length, { count, rows: batch.x.shape[0] });
    },
    loss: (made, { y }) => loss(target, made, y, options),
    answer: (made) => joined(made, count, classify),
    decayed: Object.keys(parameters).filter((name) => /\/(kernel|table)$/.test(name)),
    work: count * sizeOf(layers) + sizeOf(last),
  };
};

const sizeOf = (parameters: Parameters): number =>
  Object.values(parameters).reduce((sum, dims) => sum + countOf(dims), 0);

/** The mean loss of the members; a single network has outputs [rows, outputs], members have [k, rows, outputs]. */
const loss = (
  target: SupervisedTarget,
  outputs: Value,
  y: Value,
  { labelSmoothing, sharedMembers }: Pick<MlpOptions, 'labelSmoothing' | 'sharedMembers'>,
): Value => {
  if (target.task === 'regression') {
    if (sharedMembers === 1) return supervisedLoss(target, outputs, y);
    const difference = op.Sub(outputs, y);
    return op.ReduceMean(op.Mul(difference, difference));
  }
  const truth = labelSmoothing === 0 ? y : smoothed(y, labelSmoothing, target.classes.length);
  if (sharedMembers === 1) return softmaxCrossEntropy(outputs, truth);
  const likelihood = op.ReduceSum(op.Mul(op.LogSoftmax(outputs), truth), { axes: [2] });
  return op.Neg(op.ReduceMean(likelihood));
};

/** Szegedy et al. 2016; the weight of a row, which is the sum of its entries, stays what it was. */
const smoothed = (y: Value, share: number, classes: number): Value => {
  const weight = op.ReduceSum(y, { axes: [1], keepDims: true });
  return op.Add(op.Mul(y, 1 - share), op.Mul(weight, share / classes));
};
