import { Failure, oneOf } from '../../contracts';
import type { ModelSpec } from '../../contracts';
import type { Engine } from '../engine/engine';
import { trainAuto } from '../automl/train-auto';
import { familiesOf, trainConcrete } from '../family/concrete';
import { isForecast, isSupervised } from '../family/data';
import { trainAutoForecast } from '../family/series/auto-forecast';
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
  if (isSupervised(data)) return (io.search ?? trainAuto)(data, spec, context);
  if (isForecast(data)) return trainAutoForecast(spec, data, context);
  throw new Failure(
    'BAD_SPEC',
    oneOf(`family for a ${data.target.task}`, 'auto', familiesOf(data.target.task)),
    {
      path: ['spec', 'family'],
    },
  );
};
