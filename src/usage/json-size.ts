/** A sign, 17 digits, a point and an exponent. */
const NUMBER = 25;
/** Escaped; what is not takes three bytes in UTF-8 at most. */
const CHARACTER = 6;

/** No fewer than the bytes of `value` as JSON, of which no text is made. `value`: plain, as JSON can say it. */
export const mostJsonBytes = (value: unknown): number => {
  if (typeof value === 'number') return NUMBER;
  if (typeof value === 'string') return CHARACTER * value.length + 2;
  if (typeof value !== 'object' || value === null) return 'false'.length;
  let bytes = 2;
  if (Array.isArray(value)) for (const item of value) bytes += mostJsonBytes(item) + 1;
  else
    for (const name of Object.keys(value))
      bytes += CHARACTER * name.length + 4 + mostJsonBytes((value as Record<string, unknown>)[name]);
  return bytes;
};
