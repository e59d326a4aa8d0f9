import { randomKey, randomNormal } from '../../onnx';
import type { SupervisedTarget } from '../prepare/target';
import { OutOfFold, ensembleWeights, joinedOutputs } from './ensemble';

const ROWS = 2000;
const rows = Int32Array.from({ length: ROWS }, (_, i) => i);
const noise = (stream: number, deviation: number): Float32Array =>
  Float32Array.from({ length: ROWS }, (_, i) => deviation * randomNormal(randomKey(1, stream), i));
const truth = noise(1, 1);
const target: SupervisedTarget = {
  task: 'regression',
  values: Float64Array.from(truth),
  mean: 0,
  deviation: 1,
};
const around = (error: Float32Array): Float32Array => truth.map((value, i) => value + (error[i] ?? 0));

describe('ensemble weights', () => {
  it('of two equally good candidates with independent errors are halves; a third that is hopeless gets nothing', () => {
    const outputs = [around(noise(2, 0.5)), around(noise(3, 0.5)), noise(4, 1).map((value) => value + 5)];
    const weights = ensembleWeights(outputs, target, rows, 1);
    expect(weights[0]).toBeCloseTo(0.5, 1);
    expect(weights[1]).toBeCloseTo(0.5, 1);
    expect(weights[2]).toBe(0);
    expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 12);
  });

  it('are near those of least squares where errors differ: inverse variances', () => {
    const weights = ensembleWeights([around(noise(2, 0.5)), around(noise(3, 1))], target, rows, 1);
    expect(weights[0]).toBeCloseTo(0.8, 1);
  });

  it('lower the log loss of a classification', () => {
    const codes = Int32Array.from(truth, (value) => (value > 0 ? 1 : 0));
    const classes: SupervisedTarget = { task: 'classification', codes, classes: ['a', 'b'], counts: [1, 1] };
    const guess = (stream: number): Float32Array => {
      const p = around(noise(stream, 1.5)).map((value) => 1 / (1 + Math.exp(-value)));
      return Float32Array.from({ length: 2 * ROWS }, (_, i) =>
        i % 2 === 1 ? (p[(i - 1) / 2] ?? 0) : 1 - (p[i / 2] ?? 0),
      );
    };
    const outputs = [2, 3, 4, 5, 6].map(guess);
    const weights = ensembleWeights(outputs, classes, rows, 1);
    const loss = (values: Float32Array): number => {
      const all = new OutOfFold(classes, ROWS);
      all.add(rows, values);
      return all.loss(rows).loss;
    };
    expect(Math.max(...weights)).toBeLessThan(0.5);
    expect(loss(joinedOutputs(outputs, weights))).toBeLessThan(Math.min(...outputs.map(loss)) * 0.95);
  });
});

it('answers out of several folds are averaged where they meet', () => {
  const all = new OutOfFold(target, ROWS);
  all.add(Int32Array.of(3, 4), Float32Array.of(1, 2));
  all.add(Int32Array.of(4), Float32Array.of(4));
  expect([...all.of(Int32Array.of(4, 3))]).toEqual([3, 1]);
  expect([all.has(3), all.has(5)]).toEqual([true, false]);
});
