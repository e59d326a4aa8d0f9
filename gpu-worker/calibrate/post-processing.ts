/** What happens to a model's answers between the model and the outputs of its file. */
import type { Calibration, Conformal } from '../../contracts';
import type { Predicted } from '../evaluate/predict';
import type { SupervisedTarget } from '../prepare/target';
import { applyCalibration, chooseCalibration, NO_CALIBRATION } from './calibration';
import type { ChosenCalibration } from './calibration';
import { fitInterval, fitSet } from './conformal';
import type { CostMatrix } from './decision';
import { labelledRows } from './labelled';

export interface PostProcessing {
  readonly calibration: Calibration;
  /** Labels are decided by them; without, the most probable label is taken. */
  readonly costs?: CostMatrix;
  /** Left out where too few rows were there to promise anything. */
  readonly conformal?: Conformal;
  /** The same for other levels, to see on held-out rows whether they keep their promise; `conformal` is one of them. */
  readonly levels: readonly Conformal[];
  /** Cross-validated log loss of the calibrations that were tried. */
  readonly logLoss: ChosenCalibration['logLoss'];
}

/** How often the truth shall be inside an interval or a set. */
export const CONFORMAL_LEVEL = 0.9;
const LEVELS = [0.5, 0.8, CONFORMAL_LEVEL, 0.95];

/**
 * Fitted on answers for rows that were not learned from. Conformal scores are taken after a calibration that the row
 * itself had no part in.
 */
export const fitPostProcessing = (
  predicted: Predicted,
  target: SupervisedTarget,
  rows: Int32Array,
  { costs, seed }: { readonly costs?: CostMatrix; readonly seed: number },
): PostProcessing => {
  if (target.task === 'regression') {
    const actual = Float64Array.from(rows, (row) => target.values[row]);
    const fits = conformalAt((level) => fitInterval(predicted.values, actual, level));
    return { calibration: NO_CALIBRATION, logLoss: {}, ...fits };
  }
  const classes = target.classes.length;
  const codes = Int32Array.from(rows, (row) => target.codes[row]);
  const { calibration, logLoss, outOfFold } = chooseCalibration(
    labelledRows(predicted.values, codes, classes, seed),
    seed,
  );
  return {
    calibration,
    logLoss,
    ...(costs && { costs }),
    ...conformalAt((level) => fitSet(outOfFold, level)),
  };
};

const conformalAt = (
  fit: (level: number) => Conformal | undefined,
): Pick<PostProcessing, 'conformal' | 'levels'> => {
  const levels = LEVELS.map(fit).filter((one) => one !== undefined);
  const conformal = levels.find(({ level }) => level === CONFORMAL_LEVEL);
  return { levels, ...(conformal && { conformal }) };
};

/** The trainer's answers as the file will give them. */
export const processed = (
  { calibration }: PostProcessing,
  { rows, values }: Predicted,
  target: SupervisedTarget,
): Predicted =>
  target.task === 'regression' || calibration.kind === 'none'
    ? { rows, values }
    : { rows, values: Float32Array.from(applyCalibration(calibration, values, target.classes.length)) };
