import { Failure } from '../../../contracts';
import type { FusionSpec } from '../../../contracts';
import type { Column } from '../../data/table';
import { piecewise, STANDARD } from '../../prepare/encoding';
import type { Encoding } from '../../prepare/encoding';
import { fitPreparation } from '../../prepare/preparation';
import type { SupervisedTarget } from '../../prepare/target';
import type { Branch } from '../branch/branch';
import { featuresBranch } from '../branch/features';
import { imageBranch } from '../branch/image';
import { trainBranches } from '../branch/train-branches';
import type { TrainingData } from '../data';
import type { Family } from '../family';

/** Every kind of column in one network (late fusion: each branch finds its own features before they meet). */
export const fusion: Family<FusionSpec, SupervisedTarget> = {
  tasks: ['regression', 'classification'],
  validationFraction: (spec) => spec.validationFraction,
  train: async (spec, data, context) => {
    const ofKind = (text: boolean): Column[] => data.columns.filter(({ kind }) => (kind === 'text') === text);
    const numbers = spec.bins > 0 ? piecewise(spec.bins) : STANDARD;
    const branches = [
      ...columnsBranch('table', ofKind(false), numbers, spec.width, data),
      ...columnsBranch('text', ofKind(true), STANDARD, spec.width, data),
      ...(data.table.images ?? []).map((image) => imageBranch(image, data.training, spec.image)),
    ];
    if (branches.length > 0) return trainBranches(spec, spec, branches, data, context);
    throw new Failure('NO_USABLE_FEATURES', 'no column, text or picture is left to learn from', {
      hint: 'identifiers, constant columns and columns that repeat the target are not used; add others',
    });
  },
};

/** None where no column of the kind can be learned from: the other branches do without it. */
const columnsBranch = (
  name: string,
  columns: readonly Column[],
  encoding: Encoding,
  width: number,
  data: TrainingData<SupervisedTarget>,
): Branch[] => {
  try {
    const preparation = fitPreparation(columns, data.training, encoding, data.target);
    return [featuresBranch(name, data, preparation, width)];
  } catch (error) {
    if (error instanceof Failure && error.code === 'NO_USABLE_FEATURES') return [];
    throw error;
  }
};
