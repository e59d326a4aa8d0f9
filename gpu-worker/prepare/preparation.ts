/** Everything fitted about the features, as plain data: `prepare/graph.ts` turns it into ONNX nodes. */
import { Failure } from '../../contracts';
import type { ColumnSpec, ModelSignature } from '../../contracts';
import type { Column } from '../data/table';
import { categoryWidth, fitCategory } from './category';
import type { CategoryFit } from './category';
import { fitNumber } from './number';
import type { NumberEncoding, NumberFit } from './number';
import { fitTime, timeWidth } from './time';
import type { TimeFit } from './time';

/** How the columns of a table become features; each family asks for the one that it learns best from. */
export type Encoding = NumberEncoding;
export const STANDARD: Encoding = { numeric: 'standard', bins: 0 };

type FeatureFit = NumberFit | CategoryFit | TimeFit;

export interface Preparation {
  readonly fits: readonly FeatureFit[];
  /** Raw-cell parsing of the columns of `fits`, in the same order. */
  readonly specs: readonly ColumnSpec[];
}

/** Features that all category columns together may become, so that many columns do not fill the memory. */
const WIDEST_CATEGORIES = 4096;

/**
 * Fits the columns on the rows `rows` and no others. Free text and columns without two different values are left out;
 * throws NO_USABLE_FEATURES when nothing is left.
 */
export const fitPreparation = (
  offered: readonly Column[],
  rows: Int32Array,
  encoding: Encoding,
): Preparation => {
  const fits: FeatureFit[] = [];
  const specs: ColumnSpec[] = [];
  const categories = offered.filter(({ kind }) => kind === 'category').length;
  const mostValues = Math.max(8, Math.min(100, Math.floor(WIDEST_CATEGORIES / categories)));
  for (const column of offered) {
    const fit = fitColumn(column, rows, encoding, mostValues);
    if (fit === undefined) continue;
    fits.push(fit);
    specs.push(column.spec);
  }
  if (fits.length > 0) return { fits, specs };
  throw new Failure('NO_USABLE_FEATURES', 'no feature column is left to learn from', {
    hint: 'identifiers, constant columns, columns that repeat the target and free text are not used; add others',
  });
};

const fitColumn = (
  column: Column,
  rows: Int32Array,
  encoding: Encoding,
  mostValues: number,
): FeatureFit | undefined => {
  switch (column.kind) {
    case 'number':
      return fitNumber(column.spec.name, column.values, rows, encoding);
    case 'time':
      return fitTime(column.spec.name, column.values, rows);
    case 'category':
      return fitCategory(column.spec.name, column.codes, column.dictionary, rows, mostValues);
    case 'text':
      return undefined;
  }
};

/** Width of the feature vector that the preparation makes of one row. */
export const preparedWidth = ({ fits }: Preparation): number =>
  fits.reduce((width, fit) => width + fitWidth(fit), 0);

const fitWidth = (fit: FeatureFit): number => {
  switch (fit.kind) {
    case 'number':
      return 1 + (fit.indicator ? 1 : 0) + Math.max(0, fit.edges.length - 1);
    case 'category':
      return categoryWidth(fit);
    case 'time':
      return timeWidth(fit);
  }
};

export const signatureInputs = ({ fits, specs }: Preparation): ModelSignature['inputs'] =>
  specs.map((spec, i) => {
    const fit = fits[i];
    return { spec, known: fit?.kind === 'category' && !fit.other ? [...fit.values] : null };
  });
