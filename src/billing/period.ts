/** Billing periods: calendar months in the tenant's time zone, as instants. */
import { Failure } from '../../contracts';
import type { Period } from '../usage';

/** `2026-11` in an IANA zone: from its first instant there to the first of the next month. */
export const monthIn = (timeZone: string, month: string): Period => {
  const match = /^(\d{4})-(0[1-9]|1[0-2])$/.exec(month);
  if (!match) throw new Failure('BAD_INPUT', 'a month is written like 2026-11', { path: ['month'] });
  const [year, number] = [Number(match[1]), Number(match[2])];
  return {
    from: midnight(timeZone, year, number),
    to: midnight(timeZone, year + (number === 12 ? 1 : 0), (number % 12) + 1),
  };
};

/** The first instant of the month's first day there; where a clock change skips midnight, the first that exists. */
const midnight = (timeZone: string, year: number, month: number): Date => {
  const wall = Date.UTC(year, month - 1, 1);
  // The offset at the guess may be that of the other side of a clock change: ask again there.
  let at = wall - offsetMs(timeZone, wall);
  at = wall - offsetMs(timeZone, at);
  return new Date(at);
};

const offsetMs = (timeZone: string, atMs: number): number => {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  }).formatToParts(atMs);
  const of = (type: string): number => Number(parts.find((part) => part.type === type)?.value);
  return Date.UTC(of('year'), of('month') - 1, of('day'), of('hour'), of('minute'), of('second')) - atMs;
};
