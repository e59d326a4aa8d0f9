import { input, modelBytes, randomKey, randomUnit } from '../../onnx';
import { asFloat32, float32, withSession } from '../engine/onnxruntime';
import { applyCalibration, calibrationGraph, chooseCalibration, fitCalibration } from './calibration';
import { labelledRows, logLosses } from './labelled';
import type { Labelled } from './labelled';
import { fitTemperature } from './temperature';

/** True probabilities softmax(z), of which the model says softmax(bend(z)); labels are drawn from the truth. */
const simulated = (
  rows: number,
  classes: number,
  bend: (z: number, label: number) => number,
  stream = 0,
): Labelled => {
  const key = randomKey(9, classes, stream);
  const probabilities = new Float64Array(rows * classes);
  const codes = new Int32Array(rows);
  for (let row = 0; row < rows; row++) {
    const logits = Array.from({ length: classes }, (_, i) => 4 * randomUnit(key, row * 16 + i) - 2);
    const softmax = (of: (z: number, label: number) => number): number[] => {
      const raised = logits.map((z, label) => Math.exp(of(z, label)));
      const sum = raised.reduce((a, b) => a + b);
      return raised.map((value) => value / sum);
    };
    const truth = softmax((z) => z);
    let draw = randomUnit(key, row * 16 + 15);
    codes[row] = truth.findIndex((p) => (draw -= p) < 0);
    probabilities.set(softmax(bend), row * classes);
  }
  return labelledRows(probabilities, codes, classes);
};

const meanLoss = (labelled: Labelled): number =>
  logLosses(labelled).reduce((sum, loss) => sum + loss, 0) / labelled.codes.length;

describe('temperature scaling', () => {
  it('finds the temperature of an overconfident model', () => {
    expect(fitTemperature(simulated(20_000, 3, (z) => 2.5 * z))).toBeCloseTo(2.5, 0);
    expect(fitTemperature(simulated(20_000, 2, (z) => z / 2))).toBeCloseTo(0.5, 1);
  });

  it('is the least of the log loss: hand-checked with two rows', () => {
    // p = 0.8 right twice of three: sigma(b ln 4) = 2/3, so b = ln 2 / ln 4 = 1/2.
    const two = labelledRows([0.2, 0.8, 0.2, 0.8, 0.2, 0.8], [1, 1, 0], 2);
    expect(fitTemperature(two)).toBeCloseTo(2, 6);
  });

  it('stays finite when every row is right, and when one is certain and wrong', () => {
    expect(fitTemperature(labelledRows([0.1, 0.9, 0.9, 0.1], [1, 0], 2))).toBeCloseTo(0.05, 3);
    expect(Number.isFinite(fitTemperature(labelledRows([0, 1, 1, 0], [0, 0], 2)))).toBe(true);
  });
});

describe('the choice of a calibration', () => {
  it('leaves a calibrated model alone', () => {
    expect(
      chooseCalibration(
        simulated(3000, 3, (z) => z),
        1,
      ).calibration,
    ).toEqual({ kind: 'none' });
  });

  it('takes temperature for an overconfident model', () => {
    expect(
      chooseCalibration(
        simulated(3000, 3, (z) => 3 * z),
        1,
      ).calibration.kind,
    ).toBe('temperature');
  });

  it('takes isotonic where the distortion is no temperature, and is better on other rows', () => {
    // The second class is thought too likely throughout.
    const bend = (z: number, label: number): number => z + 1.5 * label;
    const [seen, other] = [simulated(6000, 2, bend), simulated(6000, 2, bend, 1)];
    const { calibration, logLoss } = chooseCalibration(seen, 1);
    expect(calibration.kind).toBe('isotonic');
    expect(logLoss.isotonic).toBeLessThan(logLoss.temperature ?? 0);
    const after = { ...other, probabilities: applyCalibration(calibration, other.probabilities, 2) };
    expect(meanLoss(after)).toBeLessThan(meanLoss(other) - 0.01);
  });

  it('few rows are left as they are, no rows too', () => {
    expect(
      chooseCalibration(
        simulated(30, 2, (z) => 5 * z),
        1,
      ).calibration.kind,
    ).toBe('none');
    expect(chooseCalibration(labelledRows([], [], 2), 1).calibration.kind).toBe('none');
  });

  it('gives every row a probability that its own outcome had no part in', () => {
    const labelled = simulated(500, 2, (z) => 4 * z);
    const { outOfFold } = chooseCalibration(labelled, 1);
    expect(outOfFold.codes.length).toBe(500);
    expect(meanLoss(outOfFold)).toBeLessThan(meanLoss(labelled));
  });
});

describe('a calibration in the graph', () => {
  it.each([
    ['temperature', 2],
    ['temperature', 4],
    ['isotonic', 2],
    ['isotonic', 4],
  ] as const)('%s of %i classes gives the numbers of the fit', async (kind, classes) => {
    const labelled = simulated(2000, classes, (z) => 2.5 * z);
    const calibration = fitCalibration(kind, labelled);
    const probabilities = input('p', 'float32', ['rows', classes]);
    const bytes = modelBytes({
      name: 'calibrated',
      inputs: [probabilities],
      outputs: { out: calibrationGraph(calibration, probabilities) },
    });
    const fed = Float32Array.from(labelled.probabilities);
    fed.set(Float32Array.from({ length: classes }, (_, i) => (i === 0 ? 1 : 0)));
    const expected = applyCalibration(calibration, fed, classes);
    await withSession(bytes, {}, async (session) => {
      const { out } = await session.run({ p: float32(fed, [2000, classes]) });
      asFloat32(out).forEach((value, i) => {
        if (Math.abs(value - expected[i]) > 2e-6) throw new Error(`${i}: ${value}, not ${expected[i]}`);
      });
    });
  });
});
