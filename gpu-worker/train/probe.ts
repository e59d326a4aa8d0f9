import { input, modelBytes, op } from '../../onnx';

/** The smallest model there is: a device works when it can open a session of it. */
export const probeModel = (): Uint8Array => {
  const x = input('x', 'float32', [1]);
  return modelBytes({ name: 'probe', inputs: [x], outputs: { y: op.Add(x, 1) } });
};
