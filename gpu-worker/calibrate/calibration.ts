/** Which calibration a classifier gets, and how it is applied: as numbers, and as nodes of the sealed graph. */
import type { Calibration } from '../../contracts';
import { op, permutation } from '../../onnx';
import type { Value } from '../../onnx';
import { applyCurve, curveGraph, fitCurve } from './isotonic';
import { logLosses, pick } from './labelled';
import type { Labelled } from './labelled';
import { applyTemperature, fitTemperature, temperatureGraph } from './temperature';

export const NO_CALIBRATION: Calibration = { kind: 'none' };
const FOLDS = 5;
/** Below these counts a method learns more noise than it corrects (isotonic: Niculescu-Mizil and Caruana 2005). */
const FEWEST_ROWS = { temperature: 50, isotonic: 1000 };
const FEWEST_ROWS_OF_A_CLASS = 20;
/** One curve a class: more classes have too few rows each. */
const MOST_CURVES = 50;

export interface ChosenCalibration {
  readonly calibration: Calibration;
  /** Cross-validated log loss of every method that was tried; lower is better. */
  readonly logLoss: Readonly<Partial<Record<Calibration['kind'], number>>>;
  /** The rows it was fitted on, with probabilities as calibrated by the other folds: as good as not learned from. */
  readonly outOfFold: Labelled;
}

/**
 * Chooses by log loss over five folds. A method must beat the simpler one by more than one standard error of their
 * paired difference (Breiman et al. 1984). Deterministic for a seed.
 */
export const chooseCalibration = (given: Labelled, seed: number): ChosenCalibration => {
  const order = permutation(given.codes.length, seed, 0xca1);
  const labelled = pick(given, order);
  const logLoss: Partial<Record<Calibration['kind'], number>> = {};
  let best = { kind: 'none' as Calibration['kind'], outOfFold: labelled, losses: logLosses(labelled) };
  if (labelled.codes.length > 0) logLoss.none = mean(best.losses);
  for (const kind of methodsFor(labelled)) {
    const outOfFold = crossFitted(kind, labelled);
    const losses = logLosses(outOfFold);
    logLoss[kind] = mean(losses);
    const gain = best.losses.map((loss, row) => loss - losses[row]);
    if (mean(gain) > standardError(gain)) best = { kind, outOfFold, losses };
  }
  return { calibration: fitCalibration(best.kind, labelled), logLoss, outOfFold: best.outOfFold };
};

const methodsFor = ({ codes, classes }: Labelled): Exclude<Calibration['kind'], 'none'>[] => {
  const counts = new Int32Array(classes);
  for (const code of codes) counts[code]++;
  const fewest = counts.reduce((least, count) => Math.min(least, count), Infinity);
  return [
    ...(codes.length >= FEWEST_ROWS.temperature ? ['temperature' as const] : []),
    ...(codes.length >= FEWEST_ROWS.isotonic && classes <= MOST_CURVES && fewest >= FEWEST_ROWS_OF_A_CLASS
      ? ['isotonic' as const]
      : []),
  ];
};

export const fitCalibration = (kind: Calibration['kind'], labelled: Labelled): Calibration => {
  switch (kind) {
    case 'none':
      return NO_CALIBRATION;
    case 'temperature':
      return { kind, temperature: fitTemperature(labelled) };
    case 'isotonic': {
      const { classes, probabilities, codes } = labelled;
      const curve = (label: number): ReturnType<typeof fitCurve> =>
        fitCurve(
          Float64Array.from(codes, (_, row) => probabilities[row * classes + label]),
          Float64Array.from(codes, (code) => (code === label ? 1 : 0)),
        );
      return {
        kind,
        curves: classes === 2 ? [curve(1)] : Array.from({ length: classes }, (_, i) => curve(i)),
      };
    }
  }
};

/** The rows are in random order: every fifth is a fold. */
const crossFitted = (kind: Calibration['kind'], labelled: Labelled): Labelled => {
  const probabilities = new Float64Array(labelled.probabilities.length);
  const { classes } = labelled;
  const rows = Array.from(labelled.codes.keys());
  for (let fold = 0; fold < FOLDS; fold++) {
    const left = rows.filter((row) => row % FOLDS === fold);
    const calibration = fitCalibration(
      kind,
      pick(
        labelled,
        rows.filter((row) => row % FOLDS !== fold),
      ),
    );
    const calibrated = applyCalibration(calibration, pick(labelled, left).probabilities, classes);
    left.forEach((row, i) =>
      probabilities.set(calibrated.subarray(i * classes, (i + 1) * classes), row * classes),
    );
  }
  return { ...labelled, probabilities };
};

/** Row-major [rows, classes] in and out; the input is left alone. */
export const applyCalibration = (
  calibration: Calibration,
  given: ArrayLike<number>,
  classes: number,
): Float64Array => {
  const probabilities = Float64Array.from(given);
  switch (calibration.kind) {
    case 'none':
      return probabilities;
    case 'temperature':
      return applyTemperature(probabilities, classes, calibration.temperature);
    case 'isotonic':
      return classes === 2
        ? applyTwoClasses(probabilities, applyCurve(calibration.curves[0]))
        : applyCurves(probabilities, calibration.curves.map(applyCurve));
  }
};

const applyTwoClasses = (probabilities: Float64Array, curve: (score: number) => number): Float64Array => {
  for (let row = 0; row < probabilities.length; row += 2) {
    probabilities[row + 1] = curve(probabilities[row + 1]);
    probabilities[row] = 1 - probabilities[row + 1];
  }
  return probabilities;
};

/** One against the rest, then to a sum of 1 (Zadrozny and Elkan 2002). */
const applyCurves = (
  probabilities: Float64Array,
  curves: readonly ((score: number) => number)[],
): Float64Array => {
  for (let from = 0; from < probabilities.length; from += curves.length) {
    let sum = 0;
    curves.forEach((curve, i) => (sum += probabilities[from + i] = curve(probabilities[from + i])));
    for (let i = 0; i < curves.length; i++) probabilities[from + i] /= sum;
  }
  return probabilities;
};

/** The same as nodes: float32 [rows, classes] in and out. */
export const calibrationGraph = (calibration: Calibration, probabilities: Value): Value => {
  switch (calibration.kind) {
    case 'none':
      return probabilities;
    case 'temperature':
      return temperatureGraph(probabilities, calibration.temperature);
    case 'isotonic':
      return isotonicGraph(calibration, probabilities);
  }
};

const isotonicGraph = (
  { curves }: Extract<Calibration, { kind: 'isotonic' }>,
  probabilities: Value,
): Value => {
  const wide = op.Cast(probabilities, 'float64');
  const score = (label: number): Value => op.Slice(wide, [{ axis: 1, start: label, end: label + 1 }]);
  if (curves.length === 1) {
    const second = curveGraph(score(1), curves[0]);
    return op.Cast(op.Concat([op.Sub(1, second), second], 1), 'float32');
  }
  const raised = op.Concat(
    curves.map((curve, label) => curveGraph(score(label), curve)),
    1,
  );
  return op.Cast(op.Div(raised, op.ReduceSum(raised, { axes: [1], keepDims: true })), 'float32');
};

const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;

const standardError = (values: Float64Array): number => {
  const centre = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - centre) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1) / values.length);
};
