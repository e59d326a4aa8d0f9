import type { Share } from '../../contracts';

/** The 97.5 % point of the normal distribution. */
const Z = 1.959963984540054;

/** `hits` of `rows` with Wilson's interval (1927), which stays within [0, 1]. Null without rows. */
export const shareOf = (hits: number, rows: number): Share | null => {
  if (rows === 0) return null;
  const share = hits / rows;
  const scale = 1 + (Z * Z) / rows;
  const centre = (share + (Z * Z) / (2 * rows)) / scale;
  const reach = (Z / scale) * Math.sqrt((share * (1 - share)) / rows + (Z * Z) / (4 * rows * rows));
  return { rows, share, low: Math.max(0, centre - reach), high: Math.min(1, centre + reach) };
};
