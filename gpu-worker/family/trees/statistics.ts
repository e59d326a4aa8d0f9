/** Gradients and hessians in fixed point: sums of integers are exact in any order. */
import { Failure } from '../../../contracts';
import { CHUNK_ROWS } from './workspace';
import type { Workspace } from './workspace';

/** Sums over rows, as the histograms hold them: gradients; hessians shifted over the number of rows. */
export interface Packed {
  readonly gradients: bigint;
  readonly hessians: bigint;
}

/** The same in real units. */
export interface Sums {
  readonly gradients: number;
  readonly hessians: number;
  readonly rows: number;
}

export class Statistics {
  /** Fixed point = real value * scale; powers of two, so that scaling is exact. */
  gradientScale = 1;
  hessianScale = 1;
  /** Bits of the number of rows under the hessians. */
  readonly shift: number;

  constructor(private readonly work: Workspace) {
    this.shift = 32 - Math.clz32(work.sizes.rows);
  }

  /** Takes the workspace's gradients and hessians, as finely as their sums allow. */
  take(): void {
    const { gradients, hessians, sizes, at, kernel } = this.work;
    const largestGradient = largest(gradients);
    const largestHessian = largest(hessians);
    if (!(largestGradient < Infinity && largestHessian < Infinity))
      throw new Failure('LOSS_NOT_FINITE', 'the loss of the trees is no longer a finite number', {
        path: ['learningRate'],
        hint: 'use a lower learning rate',
      });
    // Each fits into 31 bits, and their sums over all rows into 62, the number of rows included.
    this.gradientScale = powerOfTwoBelow(Math.min(2 ** 30, 2 ** 61 / sizes.rows) / (largestGradient || 1));
    this.hessianScale = powerOfTwoBelow(
      Math.min(2 ** 30, 2 ** (61 - this.shift) / sizes.rows) / (largestHessian || 1),
    );
    kernel.run('quantise', Math.ceil(sizes.rows / CHUNK_ROWS), {
      gradients: at.gradients,
      hessians: at.hessians,
      gradientScale: this.gradientScale,
      hessianScale: this.hessianScale,
      table: at.table,
      stride: this.work.stride,
      rows: sizes.rows,
      chunkRows: CHUNK_ROWS,
    });
  }

  real({ gradients, hessians }: Packed): Sums {
    return {
      gradients: Number(gradients) / this.gradientScale,
      hessians: Number(hessians >> BigInt(this.shift)) / this.hessianScale,
      rows: Number(hessians & ((1n << BigInt(this.shift)) - 1n)),
    };
  }
}

export const difference = (a: Packed, b: Packed): Packed => ({
  gradients: a.gradients - b.gradients,
  hessians: a.hessians - b.hessians,
});

/** The largest absolute value; NaN when there is one. */
const largest = (values: Float64Array): number => {
  let most = 0;
  let sum = 0; // NaN is not less than anything, but it stays in a sum.
  for (let at = 0; at < values.length; at++) {
    const value = Math.abs(values[at]);
    if (value > most) most = value;
    sum += value;
  }
  return Number.isNaN(sum) ? NaN : most;
};

const powerOfTwoBelow = (value: number): number => 2 ** Math.floor(Math.log2(value));
