import fc from 'fast-check';
import { amountOf, divideHalfEven, formatNano } from './money';

describe('money', () => {
  test('rounds half to even, on both sides of zero', () => {
    expect([1n, 3n, 5n, -1n, -3n, -5n].map((n) => divideHalfEven(n, 2n))).toEqual([0n, 2n, 2n, 0n, -2n, -2n]);
    expect(divideHalfEven(7n, 3n)).toBe(2n);
    expect(divideHalfEven(8n, 3n)).toBe(3n);
    expect(() => divideHalfEven(1n, 0n)).toThrow();
  });

  test('is within half a unit of the exact value and odd about zero, far beyond 2^53', () => {
    const big = fc.bigInt({ min: -(10n ** 36n), max: 10n ** 36n });
    fc.assert(
      fc.property(big, fc.bigInt({ min: 1n, max: 10n ** 24n }), (numerator, denominator) => {
        const rounded = divideHalfEven(numerator, denominator);
        const twiceError = 2n * (numerator - rounded * denominator);
        const size = twiceError < 0n ? -twiceError : twiceError;
        expect(size <= denominator).toBe(true);
        if (size === denominator) expect(rounded % 2n).toBe(0n);
        expect(divideHalfEven(-numerator, denominator)).toBe(-rounded);
      }),
    );
  });

  test('prices are rationals: a gigabyte-month in byte-milliseconds keeps every digit', () => {
    const price = { amountNano: 20_000_000n, perQuantity: 1_000_000_000n * 2_592_000_000n };
    expect(amountOf(price.perQuantity, price)).toBe(20_000_000n);
    expect(amountOf(price.perQuantity / 40_000_000n, price)).toBe(0n); // exactly half a nano: to even
    expect(amountOf((price.perQuantity * 3n) / 40_000_000n, price)).toBe(2n); // 1.5 nano: to even
  });

  test('prints nano units for people', () => {
    expect(formatNano(1_234_500_000n)).toBe('1.2345');
    expect(formatNano(-5n)).toBe('-0.000000005');
    expect(formatNano(0n)).toBe('0');
    expect(formatNano(1_999_999_999n, 2)).toBe('1.99');
  });
});
