import type { Conformal, Coverage } from '../../contracts';
import { intervals, sets } from '../calibrate/conformal';
import type { Served } from '../export/served';
import type { SupervisedTarget } from '../prepare/target';
import { shareOf } from './shares';

/** How often the truth was inside what a conformal fit makes of the file's answers. Undefined without rows. */
export const coverageOf = (
  fit: Conformal,
  served: Served,
  target: SupervisedTarget,
  rows: Int32Array,
): Coverage | undefined => {
  const counted =
    fit.kind === 'interval' ? ofIntervals(fit, served, target, rows) : ofSets(fit, served, target, rows);
  const inside = shareOf(counted.inside, rows.length);
  return inside === null ? undefined : { level: fit.level, inside, size: counted.size / rows.length };
};

const ofIntervals = (
  fit: Extract<Conformal, { kind: 'interval' }>,
  { predictions }: Served,
  target: SupervisedTarget,
  rows: Int32Array,
): { inside: number; size: number } => {
  const { low, high } = intervals(fit, predictions as Float32Array);
  let [inside, size] = [0, 0];
  rows.forEach((row, at) => {
    const actual = target.task === 'regression' ? target.values[row] : NaN;
    if (low[at] <= actual && actual <= high[at]) inside++;
    size += high[at] - low[at];
  });
  return { inside, size };
};

const ofSets = (
  fit: Extract<Conformal, { kind: 'set' }>,
  { probabilities }: Served,
  target: SupervisedTarget,
  rows: Int32Array,
): { inside: number; size: number } => {
  if (probabilities === null || target.task !== 'classification') return { inside: 0, size: 0 };
  const classes = target.classes.length;
  const chosen = sets(fit, probabilities, classes);
  let inside = 0;
  rows.forEach((row, at) => {
    const code = target.codes[row];
    if (code >= 0 && chosen[at * classes + code] === 1) inside++;
  });
  return { inside, size: chosen.reduce((sum, one) => sum + one, 0) };
};
