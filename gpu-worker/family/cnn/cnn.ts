import { Failure } from '../../../contracts';
import type { CnnSpec } from '../../../contracts';
import type { SupervisedTarget } from '../../prepare/target';
import { imageBranch } from '../branch/image';
import { branchOptions, trainBranches } from '../branch/train-branches';
import type { Family } from '../family';
import { trainNeuralSequence } from '../series/neural-sequence';
import type { CoreShape, SequenceCore } from '../series/sequence-core';
import { signalCore } from './signal-core';

/** Convolutions over the pictures of a dataset (other columns are left to `fusion`), or over windows of its rows. */
export const cnn: Family<CnnSpec, SupervisedTarget> = {
  tasks: ['regression', 'classification'],
  validationFraction: (spec) => spec.validationFraction,
  train: (spec, data, context) => {
    if (spec.window !== undefined) {
      const core = (shape: CoreShape): SequenceCore => signalCore(spec, shape);
      return trainNeuralSequence(spec, spec.window, core, branchOptions(spec, data), data, context);
    }
    const images = data.table.images ?? [];
    if (images.length === 0)
      throw new Failure('BAD_SPEC', 'family cnn learns from pictures, and this dataset has none', {
        path: ['spec', 'family'],
        hint: 'upload pictures in a zip, say which rows make a sequence (window: {length, order, group}), or choose a family for tables',
      });
    const branches = images.map((image) => imageBranch(image, data.training, spec));
    return trainBranches(spec, spec, branches, data, context);
  },
};
