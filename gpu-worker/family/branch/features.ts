/** Prepared columns as a branch: one dense layer over features that share an encoding. */
import { heNormal, op } from '../../../onnx';
import type { Value } from '../../../onnx';
import type { ModelSignature } from '../../../contracts';
import { preparedFeatures } from '../../prepare/graph';
import { preparedWidth, signatureInputs } from '../../prepare/preparation';
import type { Preparation } from '../../prepare/preparation';
import type { TrainingData } from '../data';
import { inLayer } from '../network/network';
import type { Branch } from './branch';

export const featuresBranch = (
  name: string,
  data: Pick<TrainingData, 'matrix'>,
  preparation: Preparation,
  width: number,
): Branch => {
  const features = preparedWidth(preparation);
  const [kernel, bias] = [`${name}/kernel`, `${name}/bias`];
  const reads: ModelSignature['inputs'] = signatureInputs(preparation);
  return {
    name,
    reads,
    parameters: { [kernel]: [features, width], [bias]: [width] },
    buffers: {},
    decayed: [kernel],
    initial: (seed) => ({
      [kernel]: heNormal([features, width], seed, 0x7ab1e),
      [bias]: new Float32Array(width),
    }),
    inputs: { [name]: { dtype: 'float32', dims: [features] } },
    work: features * width,
    width,
    forward: ({ weights, batch }) =>
      inLayer(name, [name], () =>
        op.Relu(op.Gemm(known(batch, name), known(weights, kernel), known(weights, bias))),
      ),
    data: async (rows) => ({ [name]: (await data.matrix(preparation, rows)).values }),
    served: (columns) => ({ [name]: preparedFeatures(preparation, columns) }),
  };
};

const known = (values: Readonly<Record<string, Value>>, name: string): Value => {
  const value = values[name];
  if (value === undefined) throw new Error(`the branch has no ${name}`);
  return value;
};
