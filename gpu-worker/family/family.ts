import type { ConcreteSpec, LearningTask } from '../../contracts';
import type { Target } from '../prepare/target';
import type { TrainingContext, TrainingData } from './data';
import type { Trained } from './trained';

/** One way of making models. */
export interface Family<S extends ConcreteSpec, T extends Target = Target> {
  readonly tasks: readonly LearningTask[];
  /** Share of the learning rows that are kept apart to stop and to choose by. */
  validationFraction(spec: S): number;
  train(spec: S, data: TrainingData<T>, context: TrainingContext): Promise<Trained>;
}
