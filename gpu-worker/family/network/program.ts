/** A network, its loss, their gradients and the optimizer as one looping graph. */
import { compileTraining, GraphError } from '../../../onnx';
import type { Column, CompiledTraining, Value } from '../../../onnx';
import { Failure } from '../../../contracts';
import type { Network } from './network';
import { optimizerOf } from './options';
import type { TrainingOptions } from './options';

export interface Program {
  readonly compiled: CompiledTraining;
  /** Bytes of the answers that a step reports; 0 where nobody asks for them. */
  readonly answerBytes: number;
}

/**
 * With `answers` a step reports, as `answers` [steps, batch, ...], what the network answered before its update: the
 * figures of the history are summed up outside, which costs the loop no nodes. Throws BAD_SPEC for what does not fit.
 */
export const trainingProgram = <I extends string, T extends string>(
  network: Network<I, T>,
  options: TrainingOptions,
  batchSize: number,
  answers: boolean,
): Program => {
  let answerBytes = 0;
  const { l2, clipNorm, precision } = options;
  const columns = { ...network.inputs, ...network.targets } as Record<I | T, Column>;
  const compile = (): CompiledTraining =>
    compileTraining({
      parameters: network.parameters,
      ...(network.buffers !== undefined && { buffers: network.buffers }),
      ...(network.resident !== undefined && { resident: network.resident }),
      columns,
      batchSize,
      build: ({ weights, batch, resident, dropout, uniform, carry }) => {
        const outputs = network.forward({ weights, batch, resident, dropout, training: { uniform, carry } });
        const loss = network.loss(outputs, batch);
        if (!answers) return { loss };
        const answer = answered(network, outputs);
        answerBytes = 4 * answer.shape.reduce<number>((product, dim) => product * Number(dim), 1);
        return { loss, metrics: { answers: answer } };
      },
      optimizer: optimizerOf(options, network),
      ...(l2 > 0 && { l2: { factor: l2, parameters: network.decayed } }),
      ...(clipNorm > 0 && { clipNorm }),
      mixed: precision === 'mixed',
    });
  return { compiled: fitting(compile), answerBytes };
};

export const answered = ({ answer }: Pick<Network, 'answer'>, outputs: Value): Value =>
  answer === undefined ? outputs : answer(outputs);

/** A graph that cannot be built is the spec's fault. */
export const fitting = <T>(build: () => T): T => {
  try {
    return build();
  } catch (error) {
    if (!(error instanceof GraphError)) throw error;
    throw new Failure('BAD_SPEC', `the network does not fit together: ${error.message}`, {
      path: ['spec'],
      cause: error,
    });
  }
};
