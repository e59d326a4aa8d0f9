import type { Share } from '../../contracts';

/** Four significant digits, without an exponent where it can be read without. */
export const number = (value: number): string =>
  Math.abs(value) >= 1e-4 && Math.abs(value) < 1e9
    ? String(Number(value.toPrecision(4)))
    : value === 0
      ? '0'
      : value.toExponential(2);

export const percent = (share: number): string => `${number(Number((100 * share).toFixed(1)))} %`;

export const shareText = ({ share, low, high }: Share): string =>
  `${percent(share)} (${percent(low)} to ${percent(high)})`;

/** Pipes and line breaks of names must not break a cell. */
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ');

export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.map(cell).join(' | ')} |`).join('\n');

export const code = (text: string): string => `\`${text.replaceAll('`', "'")}\``;

/** About `most` of them, spread evenly, the first and the last among them; and those to keep in any case. */
export const thinned = <T>(
  all: readonly T[],
  most: number,
  keep: (one: T) => boolean = () => false,
): readonly T[] => {
  const every = Math.ceil(all.length / most);
  return all.filter((one, at) => at % every === 0 || at === all.length - 1 || keep(one));
};
