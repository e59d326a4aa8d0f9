/** What a network minimises, compiled with its gradients and Adam into one looping graph by onnx/. */
import { adam, compileTraining, meanSquaredError, softmaxCrossEntropy } from '../../../onnx';
import type { CompiledTraining } from '../../../onnx';
import type { LearningTask } from '../../../contracts';
import { forward, kernelNames, networkParameters } from './network';
import type { NetworkShape } from './network';

export interface ProgramOptions {
  readonly shape: NetworkShape;
  readonly batchSize: number;
  readonly task: LearningTask;
  readonly dropout: number;
  readonly l2: number;
}

/**
 * Columns `x` [inputs] and `y` [outputs]: the standardised target, or the one-hot class times the weight of the
 * class. Reports `outputs` [steps, batch, outputs] as they were before each update: the figures of the history are
 * summed up outside, which costs the loop no nodes.
 */
export const trainingProgram = ({ shape, batchSize, task, dropout, l2 }: ProgramOptions): CompiledTraining =>
  compileTraining({
    parameters: networkParameters(shape),
    columns: {
      x: { dtype: 'float32', dims: [shape.inputs] },
      y: { dtype: 'float32', dims: [shape.outputs] },
    },
    batchSize,
    build: (given) => {
      const { weights, batch } = given;
      const outputs = forward(shape, weights, batch.x, (values) => given.dropout(values, dropout));
      const loss =
        task === 'regression' ? meanSquaredError(outputs, batch.y) : softmaxCrossEntropy(outputs, batch.y);
      return { loss, metrics: { outputs } };
    },
    optimizer: adam(),
    ...(l2 > 0 && { l2: { factor: l2, parameters: kernelNames(shape) } }),
  });
