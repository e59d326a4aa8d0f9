/** The part of a network that reads a window, whatever it is asked: what `rnn` and `transformer` are. */
import { glorotUniform, op, weightConstants } from '../../../onnx';
import type { Parameters, Value, Weights } from '../../../onnx';

export interface SequenceCore {
  readonly parameters: Parameters;
  readonly initial: (seed: number) => Weights;
  /** Parameters that weight decay pulls to zero. */
  readonly decayed: readonly string[];
  /** Multiplications of one window. */
  readonly work: number;
  /**
   * [windows, length, channels] -> [windows, outputs]. `fused`: by the operators that a served file has where training
   * unrolls them.
   */
  readonly forward: (given: CoreGiven, x: Value) => Value;
}

export interface CoreGiven {
  readonly weights: Readonly<Record<string, Value>>;
  readonly dropout: (x: Value, rate: number) => Value;
  readonly fused: boolean;
}

export interface CoreShape {
  readonly length: number;
  readonly channels: number;
  readonly outputs: number;
}

/** The last layer starts small: an untrained network says little. */
export const headWeights = (dims: readonly number[], seed: number, stream: number): Float32Array =>
  glorotUniform(dims, seed, stream).map((weight) => weight / 10);

/** The mean of the members' answers, weights as constants. */
export const membersAnswer = (
  core: SequenceCore,
  members: readonly Weights[],
  fused: boolean,
  answer: (forward: (x: Value) => Value) => Value,
): Value => {
  const answers = members.map((weights) =>
    answer((x) =>
      core.forward({ weights: weightConstants(core.parameters, weights), dropout: (y) => y, fused }, x),
    ),
  );
  const sum = answers.reduce((total, one) => op.Add(total, one));
  return members.length === 1 ? sum : op.Mul(sum, 1 / members.length);
};
