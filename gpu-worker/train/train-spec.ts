import type { ModelSpec } from '../../contracts';
import type { Engine } from '../engine/engine';
import { hasSearch, trainInTurn } from '../automl/in-turn';
import { trainAuto } from '../automl/train-auto';
import { trainConcrete } from '../family/concrete';
import type { TrainingContext, TrainingData } from '../family/data';
import type { Trained } from '../family/trained';
import type { TrainVoice } from './train-table';

/** Share of the task's progress that comes before and within training. */
const BEFORE = 0.05;
const WITHIN = 0.83;

export const trainSpec = async (
  spec: ModelSpec,
  data: TrainingData,
  { seed, engine, io }: { seed: number; engine: Engine; io: TrainVoice },
): Promise<Trained> => {
  const context: TrainingContext = {
    seed,
    engine,
    signal: io.signal,
    ...(io.checkpoints && { checkpoints: io.checkpoints }),
    ...(io.enough && { enough: io.enough }),
    ...(io.leftMs && { leftMs: io.leftMs }),
    progress: (fraction, epochs, message) =>
      io.progress('TRAINING', BEFORE + WITHIN * fraction, {
        epochs,
        ...(message !== undefined && { message }),
      }),
  };
  if (spec.family !== 'auto') return trainConcrete(spec, data, context);
  if (hasSearch(data)) return (io.search ?? trainAuto)(data, spec, context);
  return trainInTurn(spec, data, context);
};
