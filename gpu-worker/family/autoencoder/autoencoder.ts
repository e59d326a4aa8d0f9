import { glorotUniform, meanSquaredError, op } from '../../../onnx';
import type { Value } from '../../../onnx';
import type { AutoencoderSpec } from '../../../contracts';
import { STANDARD } from '../../prepare/encoding';
import type { UnsupervisedTarget } from '../../prepare/target';
import type { Family } from '../family';
import { inLayer } from '../network/network';
import type { Given, Network } from '../network/network';
import { PLAIN } from '../network/options';
import { servedAnswer } from '../network/serve';
import { trainNetwork } from '../network/train-network';
import { onFeatures } from '../trained';

/** The score of a row is the mean squared difference between its standardised features and what came back. */
export const autoencoder: Family<AutoencoderSpec, UnsupervisedTarget> = {
  tasks: ['anomaly'],
  validationFraction: (spec) => spec.validationFraction,
  train: async (spec, data, context) => {
    const { preparation, training, validation } = await data.prepared(STANDARD);
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
  const layers = sizes.slice(1).map((to, at) => ({ name: `dense${at}`, from: sizes[at] ?? 0, to }));
  const forward = ({ weights, batch, dropout }: Given<'x'>): Value => {
    let values = dropout(batch.x, noise);
    layers.forEach(({ name }, at) => {
      values = inLayer(name, ['hidden'], () => {
        const [kernel, bias] = [weights[`${name}/kernel`], weights[`${name}/bias`]];
        if (kernel === undefined || bias === undefined) throw new Error(`layer ${name} has no weights`);
        return op.Gemm(values, kernel, bias);
      });
      if (at < layers.length - 1) values = op.Relu(values);
    });
    return values;
  };
  return {
    parameters: Object.fromEntries(
      layers.flatMap(({ name, from, to }) => [
        [`${name}/kernel`, [from, to]],
        [`${name}/bias`, [to]],
      ]),
    ),
    initial: (seed) =>
      Object.fromEntries(
        layers.flatMap(({ name, from, to }, at) => [
          [`${name}/kernel`, glorotUniform([from, to], seed, at)],
          [`${name}/bias`, new Float32Array(to)],
        ]),
      ),
    inputs: { x: { dtype: 'float32', dims: [width] } },
    targets: {},
    forward,
    loss: (outputs, { x }) => meanSquaredError(outputs, x),
    decayed: layers.map(({ name }) => `${name}/kernel`),
  };
};
