import { Failure } from '../../../contracts';
import type { CnnSpec } from '../../../contracts';
import type { SupervisedTarget } from '../../prepare/target';
import { imageBranch } from '../branch/image';
import { trainBranches } from '../branch/train-branches';
import type { Family } from '../family';

/** Convolutional network on the pictures of a dataset; other columns are left to `fusion`. */
export const cnn: Family<CnnSpec, SupervisedTarget> = {
  tasks: ['regression', 'classification'],
  validationFraction: (spec) => spec.validationFraction,
  train: (spec, data, context) => {
    const images = data.table.images ?? [];
    if (images.length === 0)
      throw new Failure('BAD_SPEC', 'family cnn learns from pictures, and this dataset has none', {
        path: ['spec', 'family'],
        hint: 'upload pictures in a zip, or choose a family for tables',
      });
    const branches = images.map((image) => imageBranch(image, data.training, spec));
    return trainBranches(spec, branches, data, context);
  },
};
