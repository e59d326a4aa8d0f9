import { noDropout, op, weightConstants } from '../../../onnx';
import type { Value, Weights } from '../../../onnx';
import { weightShapes } from './network';
import type { Given, Network } from './network';
import { answered } from './program';

/** The trained members as one graph with their weights as constants: the mean of their answers. */
export const servedAnswer = <I extends string, T extends string>(
  network: Network<I, T>,
  members: readonly Weights[],
  given: Pick<Given<I>, 'batch'> & Partial<Pick<Given<I>, 'resident'>>,
): Value => {
  const answers = members.map((weights) =>
    answered(
      network,
      network.forward({
        weights: weightConstants(weightShapes(network), weights),
        resident: {},
        dropout: noDropout,
        ...given,
      }),
    ),
  );
  const sum = answers.reduce((total, answer) => op.Add(total, answer));
  return members.length === 1 ? sum : op.Mul(sum, 1 / members.length);
};
