import type { ModelSpec } from '../../contracts';
import type { Engine } from '../engine/onnxruntime';
import { trainAuto } from '../family/auto/auto';
import { encodingOf, trainConcrete } from '../family/concrete';
import type { TrainingContext } from '../family/data';
import type { Trained } from '../family/trained';
import type { Assembly } from './assemble';
import type { TrainVoice } from './train-table';

/** Share of the task's progress that comes before and within training. */
const BEFORE = 0.05;
const WITHIN = 0.83;

export const trainSpec = async (
  spec: ModelSpec,
  assembly: Assembly,
  { seed, engine, io }: { seed: number; engine: Engine; io: TrainVoice },
): Promise<Trained> => {
  const context: TrainingContext = {
    seed,
    engine,
    signal: io.signal,
    progress: (fraction, epochs, message) =>
      io.progress('TRAINING', BEFORE + WITHIN * fraction, {
        epochs,
        ...(message !== undefined && { message }),
      }),
  };
  if (spec.family === 'auto') return trainAuto(assembly, assembly.split.validation, context);
  return trainConcrete(spec, await assembly.encoded(encodingOf(spec)), context);
};
