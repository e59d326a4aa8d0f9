import { GraphError } from '../errors';
import { afterValidation, constantRate, cosine, PLATEAU_START, warmUpCosine, type Plateau } from './schedule';

test('a constant rate stays', () => {
  expect([0, 5, 1e6].map(constantRate(0.1))).toEqual([0.1, 0.1, 0.1]);
});

test('a cosine falls from the rate to the end through half-way at half of the steps', () => {
  const rate = cosine({ rate: 1, steps: 100, final: 0.2 });
  expect(rate(0)).toBe(1);
  expect(rate(50)).toBeCloseTo(0.6);
  expect(rate(25)).toBeCloseTo(0.2 + 0.4 * (1 + Math.SQRT1_2));
  expect(rate(100)).toBeCloseTo(0.2);
  expect(rate(1000)).toBeCloseTo(0.2);
});

test('a warm-up rises linearly to the rate, and the cosine starts there', () => {
  const rate = warmUpCosine({ rate: 0.4, warmUp: 4, steps: 14 });
  expect([0, 1, 2, 3, 4].map(rate)).toEqual([0.1, 0.2, expect.closeTo(0.3), 0.4, 0.4]);
  expect(rate(9)).toBeCloseTo(0.2);
  expect(rate(14)).toBeCloseTo(0);
  expect(warmUpCosine({ rate: 0.4, warmUp: 0, steps: 10 })(0)).toBe(0.4);
});

test('schedules that cannot be are refused', () => {
  expect(() => cosine({ rate: -1, steps: 3 })).toThrow(GraphError);
  expect(() => constantRate(Number.NaN)).toThrow(/must be positive, got NaN/);
  expect(() => warmUpCosine({ rate: 1, warmUp: 5, steps: 5 })).toThrow(/shorter than the 5 steps, got 5/);
});

test('a plateau halves the rate after its patience, improvement resets it, and it goes through JSON', () => {
  const options = { patience: 1, threshold: 0.1 };
  const scales: number[] = [];
  let state = PLATEAU_START;
  for (const loss of [10, 9.5, 9.4, 8, 8, 8, 8, 8, Number.NaN]) {
    state = JSON.parse(JSON.stringify(afterValidation(state, loss, options))) as Plateau;
    scales.push(state.scale);
  }
  expect(scales).toEqual([1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125]);
  expect(state.best).toBe(8);
  expect(afterValidation({ scale: 2e-3, best: 1, waited: 9 }, 1, { factor: 0.1 }).scale).toBe(1e-3);
});
