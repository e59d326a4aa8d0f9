/** Positive definite matrices, [size, size] row-major in double, of which only the lower triangle is read. */

/** Lower triangular L with L·Lᵀ = `matrix`. No pivot falls below `least`: a matrix that is nearly singular has one. */
export const choleskyFactor = (matrix: Float64Array, size: number, least: number): Float64Array => {
  const factor = new Float64Array(size * size);
  for (let i = 0; i < size; i++)
    for (let j = 0; j <= i; j++) {
      const [own, other] = [i * size, j * size];
      let sum = matrix[own + j];
      for (let k = 0; k < j; k++) sum -= factor[own + k] * factor[other + k];
      factor[own + j] = i === j ? Math.sqrt(Math.max(sum, least)) : sum / factor[other + j];
    }
  return factor;
};

/** X with L·Lᵀ·X = `right`, both [size, columns] row-major. */
export const choleskySolution = (
  factor: Float64Array,
  size: number,
  right: Float64Array,
  columns = 1,
): Float64Array => {
  const solution = right.slice();
  const subtract = (i: number, k: number, times: number): void => {
    for (let column = 0; column < columns; column++)
      solution[i * columns + column] -= times * solution[k * columns + column];
  };
  const divide = (i: number): void => {
    for (let column = 0; column < columns; column++) solution[i * columns + column] /= factor[i * size + i];
  };
  for (let i = 0; i < size; i++) {
    for (let k = 0; k < i; k++) subtract(i, k, factor[i * size + k]);
    divide(i);
  }
  for (let i = size - 1; i >= 0; i--) {
    for (let k = i + 1; k < size; k++) subtract(i, k, factor[k * size + i]);
    divide(i);
  }
  return solution;
};

/** L⁻¹, lower triangular. */
export const inverseOfFactor = (factor: Float64Array, size: number): Float64Array => {
  const inverse = new Float64Array(size * size);
  for (let column = 0; column < size; column++)
    for (let i = column; i < size; i++) {
      let sum = i === column ? 1 : 0;
      for (let k = column; k < i; k++) sum -= factor[i * size + k] * inverse[k * size + column];
      inverse[i * size + column] = sum / factor[i * size + i];
    }
  return inverse;
};
