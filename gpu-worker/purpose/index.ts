import type { LearningTask } from '../../contracts';
import type { Pose } from './purpose';
import { forecast } from './forecast';
import { supervised } from './supervised';
import { synthesis } from './synthesis';
import { unsupervised } from './unsupervised';

/** Every task that there is; a new one without its entry here does not compile. */
const POSE: Readonly<Record<LearningTask, Pose>> = {
  regression: supervised('regression'),
  classification: supervised('classification'),
  forecast,
  anomaly: unsupervised('anomaly'),
  clustering: unsupervised('clustering'),
  synthesis,
};

export const pose: Pose = (table, request, spec) => POSE[request.task](table, request, spec);
