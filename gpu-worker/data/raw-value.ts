import { isoMicros } from '../../tabular';
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
