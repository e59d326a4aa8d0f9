import type { Column } from './table';

/** A cell as a partner would send it: number, text, ISO 8601 in UTC for an instant, null for a missing value. */
export const rawValue = (column: Column, row: number): string | number | null => {
  switch (column.kind) {
    case 'number': {
      const value = column.values[row] ?? NaN;
      return Number.isNaN(value) ? null : value;
    }
    case 'time': {
      const micros = column.values[row] ?? NaN;
      return Number.isNaN(micros) ? null : isoMicros(micros);
    }
    case 'category':
    case 'text':
      return column.dictionary[column.codes[row] ?? -1] ?? null;
  }
};

/** `2017-10-01T08:00:00Z`, with a six-digit fraction where there is one. */
const isoMicros = (micros: number): string => {
  const seconds = Math.floor(micros / 1e6);
  const rest = micros - seconds * 1e6;
  const whole = new Date(seconds * 1000).toISOString().slice(0, 19);
  return rest === 0 ? `${whole}Z` : `${whole}.${String(rest).padStart(6, '0')}Z`;
};
