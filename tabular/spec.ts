/** How raw cells of one column are read; fitted once on the uploaded file and carried by every model made from it. */
export interface ColumnSpec {
  v: 1;
  name: string;
  type: 'number' | 'category' | 'text' | 'time' | 'image';
  /** Folded tokens that mean «no value»; the empty cell always does. */
  missing: string[];
  number?: { decimal: '.' | ','; group: '' | ',' | '.' | ' ' | "'" };
  time?: { dayFirst: boolean };
  image?: { height: number; width: number; channels: 1 | 3 };
  /** Folded spelling -> the spelling that the data uses most. */
  category?: { canonical: [string, string][] };
}
export type NumberFormat = NonNullable<ColumnSpec['number']>;
