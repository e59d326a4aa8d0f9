/** A scenario is one business use of a model: its task, target, goal, price and value, and what is kept of predictions. */
import { Scenario } from './scenario.entity';

export { Scenario } from './scenario.entity';
export { ScenarioResolver } from './scenario.resolver';
export { requireScenario, ScenarioService } from './scenario.service';
export type { ScenarioChanged } from './scenario.service';
export { LearningTaskEnum } from './scenario.types';

export const scenarioEntities = [Scenario];
