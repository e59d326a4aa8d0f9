import type { HoldoutRule } from '../../contracts';
import type { Column, Table } from '../data/table';
import { targetsOf } from '../family/data';
import type { Prepared, TrainingData } from '../family/data';
import { prepareMatrix, prepareTraining } from '../prepare/matrix';
import type { FeatureMatrix } from '../prepare/matrix';
import { fitPreparation } from '../prepare/preparation';
import type { Encoding } from '../prepare/encoding';
import type { Preparation } from '../prepare/preparation';
import type { Target } from '../prepare/target';

/** What stays the same for every split of a table. */
interface Whole<T extends Target> {
  readonly table: Table;
  readonly columns: readonly Column[];
  readonly target: T;
  readonly holdout: HoldoutRule;
  readonly signal: AbortSignal;
}

/** A table split and ready to be encoded in one way or another. */
export class Assembly<T extends Target = Target> implements TrainingData<T> {
  private readonly made = new Map<string, Promise<Prepared<T>>>();
  readonly table: Table;
  readonly columns: readonly Column[];
  readonly target: T;
  readonly holdout: HoldoutRule;

  constructor(
    private readonly whole: Whole<T>,
    readonly training: Int32Array,
    readonly validation: Int32Array,
  ) {
    ({ table: this.table, columns: this.columns, target: this.target, holdout: this.holdout } = whole);
  }

  prepared(encoding: Encoding): Promise<Prepared<T>> {
    const key = JSON.stringify(encoding);
    const known = this.made.get(key);
    if (known !== undefined) return known;
    const making = this.prepare(encoding);
    this.made.set(key, making);
    return making;
  }

  matrix(preparation: Preparation, rows: Int32Array): Promise<FeatureMatrix> {
    return prepareMatrix(this.table, preparation, rows, this.whole.signal);
  }

  split(training: Int32Array, validation: Int32Array): Assembly<T> {
    return new Assembly(this.whole, training, validation);
  }

  of(table: Table, columns: readonly Column[]): Assembly<T> {
    return new Assembly({ ...this.whole, table, columns }, this.training, this.validation);
  }

  private async prepare(encoding: Encoding): Promise<Prepared<T>> {
    const { columns, table, target, training, validation } = this;
    const preparation = fitPreparation(columns, training, encoding, target);
    const learned = await prepareTraining(table, preparation, target, training, this.whole.signal);
    return {
      preparation,
      target,
      training: { features: learned, targets: targetsOf(target, training) },
      validation: {
        features: await this.matrix(preparation, validation),
        targets: targetsOf(target, validation),
      },
    };
  }
}

/** What may be learned from: every column but `target` and `exclude`. */
export const featureColumns = (
  table: Table,
  { target, exclude }: { readonly target: string | null; readonly exclude: readonly string[] },
): Column[] => table.columns.filter(({ spec }) => spec.name !== target && !exclude.includes(spec.name));
