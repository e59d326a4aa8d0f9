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

/** A dataset split and ready to be encoded in one way or another; encodings are computed once each. */
export class Assembly {
  private readonly made = new Map<string, Promise<TrainingData>>();

  constructor(
    readonly table: Table,
    readonly payload: Pick<TrainPayload, 'target' | 'exclude'>,
    readonly split: Split,
    readonly target: Target,
    readonly signal: AbortSignal,
  ) {}

  /** Features fitted on the training rows, for training and validation rows. */
  encoded(encoding: NumberEncoding): Promise<TrainingData> {
    const key = encoding.numeric === 'standard' ? 'standard' : `piecewise ${encoding.bins}`;
    const known = this.made.get(key);
    if (known !== undefined) return known;
    const making = this.encode(encoding);
    this.made.set(key, making);
    return making;
  }

  matrix(preparation: Preparation, rows: Int32Array): Promise<FeatureMatrix> {
    return prepareMatrix(this.table, preparation, rows, this.signal);
  }

  private async encode(encoding: NumberEncoding): Promise<TrainingData> {
    const { table, payload, split, target } = this;
    const preparation = fitPreparation(table, split.training, payload, encoding);
    const examples = async (rows: Int32Array): Promise<Examples> => ({
      features: await this.matrix(preparation, rows),
      targets: targetsOf(target, rows),
    });
    return {
      preparation,
      target,
      training: await examples(split.training),
      validation: await examples(split.validation),
    };
  }
}
