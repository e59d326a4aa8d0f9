import { Failure } from '../../../contracts';
import type { FusionSpec } from '../../../contracts';
import { piecewise, STANDARD } from '../../prepare/encoding';
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
    const images = data.table.images ?? [];
    const branches = [
      ...(await tableBranch(spec, data, images.length > 0)),
      ...images.map((image) => imageBranch(image, data.training, spec.image)),
    ];
    return trainBranches(spec, branches, data, context);
  },
};

/** Where there are pictures, a table without a usable column is no failure. */
const tableBranch = async (
  spec: FusionSpec,
  data: TrainingData<SupervisedTarget>,
  optional: boolean,
): Promise<Branch[]> => {
  try {
    const { preparation } = await data.prepared(spec.bins > 0 ? piecewise(spec.bins) : STANDARD);
    return [featuresBranch('table', data, preparation, spec.width)];
  } catch (error) {
    if (optional && error instanceof Failure && error.code === 'NO_USABLE_FEATURES') return [];
    throw error;
  }
};
