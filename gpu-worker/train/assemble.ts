import type { TrainPayload } from '../../contracts';
import type { Table } from '../data/table';
import { targetsOf } from '../family/data';
import type { Examples, TrainingData } from '../family/data';
import { prepareMatrix } from '../prepare/matrix';
import type { FeatureMatrix } from '../prepare/matrix';
import type { NumberEncoding } from '../prepare/number';
import { fitPreparation } from '../prepare/preparation';
import type { Preparation } from '../prepare/preparation';
import type { Split } from '../prepare/split';
import type { Target } from '../prepare/target';

/** A dataset split and ready to be encoded in one way or another. */
export class Assembly {
  private readonly made = new Map<string, Promise<TrainingData>>();

  constructor(
    readonly table: Table,
    readonly payload: Pick<TrainPayload, 'target' | 'exclude'>,
    readonly split: Split,
    readonly target: Target,
    readonly signal: AbortSignal,
  ) {}

  /** Features fitted on the training rows, for training and validation rows; made once for each encoding. */
  encoded(encoding: NumberEncoding): Promise<TrainingData> {
    const key = encoding.numeric === 'standard' ? 'standard' : `piecewise ${encoding.bins}`;
    const known = this.made.get(key);
    if (known !== undefined) return known;
    const making = this.encode(encoding, this.split.training, this.split.validation);
    this.made.set(key, making);
    return making;
  }

  /** Validation rows are learned from too; nothing is left to stop by. */
  whole(encoding: NumberEncoding): Promise<TrainingData> {
    const { training, validation } = this.split;
    const learning = new Int32Array(training.length + validation.length);
    learning.set(training);
    learning.set(validation, training.length);
    return this.encode(encoding, learning, new Int32Array(0));
  }

  matrix(preparation: Preparation, rows: Int32Array): Promise<FeatureMatrix> {
    return prepareMatrix(this.table, preparation, rows, this.signal);
  }

  private async encode(
    encoding: NumberEncoding,
    training: Int32Array,
    validation: Int32Array,
  ): Promise<TrainingData> {
    const { table, payload, target } = this;
    const preparation = fitPreparation(table, training, payload, encoding);
    const examples = async (rows: Int32Array): Promise<Examples> => ({
      features: await this.matrix(preparation, rows),
      targets: targetsOf(target, rows),
    });
    return {
      preparation,
      target,
      training: await examples(training),
      validation: await examples(validation),
    };
  }
}
