/** Exact arithmetic for bills: integers only, one rounding, half to even. */
import { Failure } from '../../contracts';

/** `numerator / denominator` rounded to the nearest integer, a tie to the even one. `denominator` must be positive. */
export const divideHalfEven = (numerator: bigint, denominator: bigint): bigint => {
  if (denominator <= 0n) throw new Failure('INTERNAL', 'a price needs a positive quantity to be divided by');
  const negative = numerator < 0n;
  const size = negative ? -numerator : numerator;
  let quotient = size / denominator;
  const twice = (size % denominator) * 2n;
  if (twice > denominator || (twice === denominator && quotient % 2n === 1n)) quotient += 1n;
  return negative ? -quotient : quotient;
};

/** A rational price: `amountNano` nano units of the currency for every `perQuantity` base units of the meter. */
export interface UnitPrice {
  readonly amountNano: bigint;
  readonly perQuantity: bigint;
}

/** Nano units of the currency for `quantity`, rounded once. */
export const amountOf = (quantity: bigint, price: UnitPrice): bigint =>
  divideHalfEven(quantity * price.amountNano, price.perQuantity);

const NANO_DIGITS = 9;

/** `1234500000n` -> `1.2345`: for people; the integer is what counts. */
export const formatNano = (amountNano: bigint, digits = NANO_DIGITS): string => {
  const negative = amountNano < 0n;
  const text = (negative ? -amountNano : amountNano).toString().padStart(NANO_DIGITS + 1, '0');
  const whole = text.slice(0, -NANO_DIGITS);
  const fraction = text.slice(-NANO_DIGITS).slice(0, digits).replace(/0+$/, '');
  return `${negative ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`;
};
