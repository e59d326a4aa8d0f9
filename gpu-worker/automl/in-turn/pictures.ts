/** Pictures, alone or with a table beside them: by convolutions, with the table or without, or by the table alone. */
import { CnnSpec, Failure, FusionSpec, LinearSpec, MlpSpec, TreesSpec } from '../../../contracts';
import type { TrainingData } from '../../family/data';
import { STANDARD } from '../../prepare/encoding';
import { fitPreparation } from '../../prepare/preparation';
import type { SupervisedTarget } from '../../prepare/target';
import { meanOf, rowLosses } from '../score';
import type { Contest } from './in-turn';

/** What reads everything comes first: it is what there is when the time is soon over. */
export const pictureContest = (data: TrainingData<SupervisedTarget>, signal: AbortSignal): Contest => {
  const { target, validation } = data;
  const pictures = CnnSpec.parse({ family: 'cnn' });
  return {
    candidates: hasTable(data)
      ? [
          FusionSpec.parse({ family: 'fusion' }),
          pictures,
          TreesSpec.parse({ family: 'trees' }),
          MlpSpec.parse({ family: 'mlp' }),
          LinearSpec.parse({ family: 'linear' }),
        ]
      : [pictures],
    errors: async (trained) => [
      meanOf(rowLosses(await trained.predict(validation, signal), target, validation)).loss,
    ],
  };
};

const hasTable = ({ columns, training }: TrainingData): boolean => {
  try {
    return fitPreparation(columns, training, STANDARD).fits.length > 0;
  } catch (error) {
    if (error instanceof Failure && error.code === 'NO_USABLE_FEATURES') return false;
    throw error;
  }
};
