import { choleskyFactor, choleskySolution, inverseOfFactor } from './cholesky';

const matrix = Float64Array.of(4, NaN, NaN, 2, 5, NaN, 2, 3, 6); // what is above the diagonal is not read
const expectClose = (got: Float64Array, expected: readonly number[]): void => {
  expect(got).toHaveLength(expected.length);
  expected.forEach((value, i) => expect(got[i]).toBeCloseTo(value, 12));
};

it('factors, solves for several columns at once and inverts', () => {
  const factor = choleskyFactor(matrix, 3, 1e-12);
  expectClose(factor, [2, 0, 0, 1, 2, 0, 1, 1, 2]);
  // The products of the whole matrix with the columns 1, 2, 3 and 0, 1, 0.
  expectClose(choleskySolution(factor, 3, Float64Array.of(14, 2, 21, 5, 26, 3), 2), [1, 0, 2, 1, 3, 0]);
  expectClose(choleskySolution(factor, 3, Float64Array.of(2, 5, 3)), [0, 1, 0]);
  expectClose(inverseOfFactor(factor, 3), [0.5, 0, 0, -0.25, 0.5, 0, -0.125, -0.25, 0.5]);
});

it('a singular matrix keeps the least pivot and a finite solution', () => {
  const factor = choleskyFactor(Float64Array.of(1, 0, 1, 1), 2, 1e-4);
  expectClose(factor, [1, 0, 1, 1e-2]);
  expectClose(choleskySolution(factor, 2, Float64Array.of(3, 3)), [3, 0]);
});
