import { classificationMetrics } from '../../evaluate/metrics';
import type { ClassificationTarget } from '../../prepare/target';
import { SupervisedTally, targetData } from './supervised';

const CLASSES = 3;
const target: ClassificationTarget = {
  task: 'classification',
  codes: new Int32Array(0),
  classes: ['a', 'b', 'c'],
  counts: [2, 1, 1],
};
const logits = Float32Array.of(2, 0, 1, 0, 3, 1, 1, 0, 4, 0, 1, 2);
const weights = Float32Array.of(1, 2, 3);
const scoresOf = (truth: readonly number[], classWeights = new Float32Array(0)) => {
  const tally = new SupervisedTally(target, Float32Array.from(truth), classWeights);
  tally.add(logits, Int32Array.from(truth.keys()));
  return tally.scores(0);
};

describe('a row of a class that the model does not know', () => {
  // The first, behind another and the last.
  const truth = [-1, 1, -1, -1];

  it('has no part in the loss and is wrong, as in every report', () => {
    const probabilities = Array.from(truth.keys()).flatMap((row) => {
      const powers = Array.from(logits.subarray(row * CLASSES, (row + 1) * CLASSES), Math.exp);
      return powers.map((power) => power / powers.reduce((sum, one) => sum + one));
    });
    const { logLoss, accuracy } = classificationMetrics(probabilities, truth, CLASSES);
    const scores = scoresOf(truth);
    expect(scores?.loss).toBeCloseTo(logLoss ?? NaN, 6);
    expect(scores?.accuracy).toBe(accuracy);
    expect(scores?.accuracy).toBe(0.25);
  });

  it('writes into no other row, whatever classes weigh', () => {
    const targets = targetData(target, Float32Array.from(truth), weights);
    expect([...targets]).toEqual([0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]);
    expect(scoresOf(truth, weights)?.loss).toBeCloseTo(2 * (scoresOf(truth)?.loss ?? NaN), 6);
  });

  it('alone has no loss', () => expect(scoresOf([-1, -1])).toBeUndefined());
});
