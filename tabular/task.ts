/** Whole numbers with no more distinct values than this are classes, unless a regression is asked for. */
const FEW_VALUES = 10;

export interface TargetSummary {
  readonly numeric: boolean;
  /** Every value is a whole number. */
  readonly whole: boolean;
  readonly distinct: number;
}

/** The task that a target column suggests, where none was asked for. */
export const guessTask = ({ numeric, whole, distinct }: TargetSummary): 'regression' | 'classification' =>
  !numeric || distinct <= 2 || (whole && distinct <= FEW_VALUES) ? 'classification' : 'regression';
