/** Temperature scaling (Guo et al. 2017): one number that makes a classifier more or less sure of itself. */
import { op } from '../../onnx';
import type { Value } from '../../onnx';
import type { Labelled } from './labelled';

/** Keeps the logarithm of a probability finite. */
const LEAST = 1e-12;
const [COLDEST, HOTTEST] = [0.05, 20];
const ITERATIONS = 60;

/**
 * The temperature with the least log loss on `labelled`. The loss is convex in 1 / temperature, so its derivative is
 * brought to zero by Newton steps within a bracket that bisection narrows.
 */
export const fitTemperature = ({ probabilities, codes, classes }: Labelled): number => {
  let [low, high] = [1 / HOTTEST, 1 / COLDEST];
  let sharpness = 1;
  const logs = Float64Array.from(probabilities, (p) => Math.log(Math.max(p, LEAST)));
  for (let i = 0; i < ITERATIONS; i++) {
    const { slope, curvature } = derivatives(logs, codes, classes, sharpness);
    if (slope > 0) high = sharpness;
    else low = sharpness;
    const newton = sharpness - slope / curvature;
    const next = newton > low && newton < high ? newton : (low + high) / 2;
    if (Math.abs(next - sharpness) < 1e-10 * sharpness) break;
    sharpness = next;
  }
  return 1 / sharpness;
};

/** First and second derivative of the summed log loss of softmax(sharpness · logs). */
const derivatives = (
  logs: Float64Array,
  codes: Int32Array,
  classes: number,
  sharpness: number,
): { slope: number; curvature: number } => {
  let slope = 0;
  let curvature = 0;
  for (let row = 0; row < codes.length; row++) {
    const from = row * classes;
    let greatest = -Infinity;
    for (let i = 0; i < classes; i++) greatest = Math.max(greatest, logs[from + i]);
    let [sum, first, second] = [0, 0, 0];
    for (let i = 0; i < classes; i++) {
      const log = logs[from + i];
      const weight = Math.exp(sharpness * (log - greatest));
      sum += weight;
      first += weight * log;
      second += weight * log * log;
    }
    const mean = first / sum;
    slope += mean - logs[from + codes[row]];
    curvature += second / sum - mean * mean;
  }
  return { slope, curvature };
};

/** softmax(log(p) / temperature), row by row, in place. */
export const applyTemperature = (
  probabilities: Float64Array,
  classes: number,
  temperature: number,
): Float64Array => {
  for (let from = 0; from < probabilities.length; from += classes) {
    const row = probabilities.subarray(from, from + classes);
    let sum = 0;
    const greatest = Math.log(Math.max(Math.max(...row), LEAST));
    for (let i = 0; i < classes; i++) {
      row[i] = Math.exp((Math.log(Math.max(row[i], LEAST)) - greatest) / temperature);
      sum += row[i];
    }
    for (let i = 0; i < classes; i++) row[i] /= sum;
  }
  return probabilities;
};

/** The same as nodes: float32 [rows, classes] in and out. */
export const temperatureGraph = (probabilities: Value, temperature: number): Value =>
  op.Softmax(op.Div(op.Log(op.Max(probabilities, LEAST)), temperature));
