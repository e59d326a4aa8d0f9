/** Prepared columns as a branch: one dense layer over features that share an encoding. */
import { heNormal, op } from '../../../onnx';
import type { ModelSignature } from '../../../contracts';
import { preparedFeatures } from '../../prepare/graph';
import { preparedWidth, signatureInputs } from '../../prepare/preparation';
import type { Preparation } from '../../prepare/preparation';
import type { TrainingData } from '../data';
import { dense, denseParameters, denseStart, kernelOf } from '../network/dense';
import { named } from '../network/network';
import type { Branch } from './branch';

export const featuresBranch = (
  name: string,
  data: Pick<TrainingData, 'matrix'>,
  preparation: Preparation,
  width: number,
): Branch => {
  const features = preparedWidth(preparation);
  const layer = { name, from: features, to: width };
  const reads: ModelSignature['inputs'] = signatureInputs(preparation);
  return {
    name,
    reads,
    parameters: denseParameters([layer]),
    buffers: {},
    decayed: [kernelOf(layer)],
    initial: (seed) => denseStart([layer], (dims) => heNormal(dims, seed, 0x7ab1e)),
    inputs: { [name]: { dtype: 'float32', dims: [features] } },
    work: features * width,
    width,
    forward: ({ weights, batch }) => op.Relu(dense(named(batch, name), weights, layer)),
    data: async (rows) => ({ [name]: (await data.matrix(preparation, rows)).values }),
    served: (columns) => ({ [name]: preparedFeatures(preparation, columns) }),
  };
};
