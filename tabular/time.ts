/** Epoch microseconds, UTC; integers up to the year 2255 fit a double exactly. Without an offset a time is UTC. */

const CLOCK =
  '(?:[T ]+(\\d{1,2}):(\\d{2})(?::(\\d{2})(?:[.,](\\d{1,9}))?)?\\s*(am|pm)?)?\\s*(z|utc|[+-]\\d{2}:?\\d{2})?';
const YEAR_FIRST = new RegExp(`^(\\d{4})[-/.](\\d{1,2})(?:[-/.](\\d{1,2}))?${CLOCK}$`, 'i');
const YEAR_LAST = new RegExp(`^(\\d{1,2})[-/.](\\d{1,2})[-/.](\\d{4})${CLOCK}$`, 'i');
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const NAMED = new RegExp(`^(\\d{1,2})[- ]([a-z]{3})[a-z]*[- ,]+(\\d{4})${CLOCK}$`, 'i');

const offsetMinutes = (zone: string | undefined): number => {
  if (zone === undefined || /^(z|utc)$/i.test(zone)) return 0;
  const digits = zone.replace(':', '');
  const minutes = Number(digits.slice(1, 3)) * 60 + Number(digits.slice(3, 5));
  return digits.startsWith('-') ? -minutes : minutes;
};

const micros = (year: number, month: number, day: number, clock: (string | undefined)[]): number | null => {
  const [h, m, s, fraction, half, zone] = clock;
  let hour = Number(h ?? 0);
  if (half !== undefined) {
    if (hour < 1 || hour > 12) return null;
    hour = (hour % 12) + (half.toLowerCase() === 'pm' ? 12 : 0);
  }
  const minute = Number(m ?? 0);
  const second = Number(s ?? 0);
  if (hour > 23 || minute > 59 || second > 59 || year < 1000) return null;
  const at = Date.UTC(year, month - 1, day, hour, minute, second);
  const date = new Date(at);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return null; // 31 June
  return (at - offsetMinutes(zone) * 60_000) * 1000 + Number((fraction ?? '').padEnd(6, '0').slice(0, 6));
};

/** Null when `raw` is no time in a known form. `dayFirst` decides 3/4/2024 only where both readings are possible. */
export const parseTime = (raw: string, dayFirst: boolean): number | null => {
  const text = raw.trim();
  const first = YEAR_FIRST.exec(text);
  if (first) return micros(Number(first[1]), Number(first[2]), Number(first[3] ?? 1), first.slice(4));
  const last = YEAR_LAST.exec(text);
  if (last) {
    const [a, b, year] = [Number(last[1]), Number(last[2]), Number(last[3])];
    return dayFirst ? micros(year, b, a, last.slice(4)) : micros(year, a, b, last.slice(4));
  }
  const named = NAMED.exec(text);
  if (named) {
    const month = MONTHS.indexOf(named[2].toLowerCase()) + 1;
    return month === 0 ? null : micros(Number(named[3]), month, Number(named[1]), named.slice(4));
  }
  return null;
};

/** Reads more cells with the day first than with the month first? Cells are [text, count]. */
export const inferDayFirst = (cells: readonly (readonly [string, number])[]): boolean => {
  let dayFirst = 0;
  let monthFirst = 0;
  for (const [text, count] of cells) {
    if (parseTime(text, true) !== null) dayFirst += count;
    if (parseTime(text, false) !== null) monthFirst += count;
  }
  // Dots are the European form: where both readings fit, the day comes first.
  return (
    dayFirst > monthFirst || (dayFirst === monthFirst && cells.some(([text]) => /^\d{1,2}\.\d/.test(text)))
  );
};

/** `2017-10-01T08:00:00Z`, with a six-digit fraction where there is one. */
export const isoMicros = (micros: number): string => {
  const seconds = Math.floor(micros / 1e6);
  const rest = micros - seconds * 1e6;
  const whole = new Date(seconds * 1000).toISOString().slice(0, 19);
  return rest === 0 ? `${whole}Z` : `${whole}.${String(rest).padStart(6, '0')}Z`;
};
