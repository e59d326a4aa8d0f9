import { glorotUniform, meanSquaredError, op } from '../../../onnx';
import type { AutoencoderSpec } from '../../../contracts';
import { scaledBy } from '../../prepare/encoding';
import type { UnsupervisedTarget } from '../../prepare/target';
import type { Family } from '../family';
import { denseLayers, denseParameters, denseStack, denseStart, kernelOf } from '../network/dense';
import type { Network } from '../network/network';
import { PLAIN } from '../network/options';
import { servedAnswer } from '../network/serve';
import { trainNetwork } from '../network/train-network';
import { onFeatures } from '../trained';

/** The score of a row is the mean squared difference between its standardised features and what came back. */
export const autoencoder: Family<AutoencoderSpec, UnsupervisedTarget> = {
  tasks: ['anomaly'],
  validationFraction: (spec) => spec.validationFraction,
  train: async (spec, data, context) => {
    const { preparation, training, validation } = await data.prepared(scaledBy(spec));
    const network = networkOf(spec, training.features.width);
    const rows = ({ features }: typeof training) => ({
      count: features.rows,
      columns: { x: features.values },
    });
    const { members, history } = await trainNetwork(
      network,
      { training: rows(training), validation: rows(validation) },
      {
        ...PLAIN,
        optimizer: 'adamW',
        weightDecay: 1e-4,
        schedule: 'cosine',
        learningRate: spec.learningRate,
        batchSize: spec.batchSize,
        epochs: spec.epochs,
        patience: validation.features.rows > 0 ? spec.patience : 0,
        clipNorm: 1,
        ...(spec.precision && { precision: spec.precision }),
      },
      context,
    );
    return onFeatures(data, preparation, {
      spec,
      output: (features) => {
        const lost = op.Sub(servedAnswer(network, members, { batch: { x: features } }), features);
        return op.ReduceMean(op.Mul(lost, lost), { axes: [1], keepDims: true });
      },
      history,
    });
  },
};

const networkOf = ({ hidden, code, noise }: AutoencoderSpec, width: number): Network<'x', never> => {
  const sizes = [width, ...hidden, code, ...[...hidden].reverse(), width];
  const layers = denseLayers('dense', sizes);
  return {
    parameters: denseParameters(layers),
    initial: (seed) => denseStart(layers, (dims, at) => glorotUniform(dims, seed, at)),
    inputs: { x: { dtype: 'float32', dims: [width] } },
    targets: {},
    forward: ({ weights, batch, dropout }) => denseStack(dropout(batch.x, noise), weights, layers),
    loss: (outputs, { x }) => meanSquaredError(outputs, x),
    decayed: layers.map(kernelOf),
  };
};
