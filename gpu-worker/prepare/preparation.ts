/** Everything fitted about the features, as plain data: `prepare/graph.ts` turns it into ONNX nodes. */
import { Failure } from '../../contracts';
import type { ColumnSpec, ModelSignature } from '../../contracts';
import type { Column } from '../data/table';
import { blocksOf } from './blocks';
import type { FeatureBlock, FeatureFit } from './blocks';
import { fitCategory } from './category';
import type { Encoding } from './encoding';
import { fitInteractions } from './interactions';
import type { InteractionFit } from './interactions';
import { fitNumber } from './number';
import { isSupervised } from './target';
import type { Target } from './target';
import { fitTargetEncoding } from './target-encoding';
import { fitText } from './text';
import { fitTime } from './time';

export interface Preparation {
  readonly fits: readonly FeatureFit[];
  /** Raw-cell parsing of the columns of `fits`, in the same order. */
  readonly specs: readonly ColumnSpec[];
  /** Numbers that are made of two of them. */
  readonly interactions: readonly InteractionFit[];
  /** The features, in order and without gaps. */
  readonly blocks: readonly FeatureBlock[];
}

/** Features that all one-hot columns together may become, so that many columns do not fill the memory. */
const WIDEST_CATEGORIES = 4096;
/** Cells that the features of text may fill in a matrix of the training rows. */
const MOST_TEXT_CELLS = 50_000_000;
/** Codes of one column: a tree's histogram has a bin for each. */
const MOST_CODES = 254;

/**
 * Fits the columns on the rows `rows` and no others; `target` is what encodings by the target learn from, which without
 * one are not used. Columns without two different values are left out; throws NO_USABLE_FEATURES when
 * nothing is left.
 */
export const fitPreparation = (
  offered: readonly Column[],
  rows: Int32Array,
  encoding: Encoding,
  target: Target | null = null,
): Preparation => {
  const fits: FeatureFit[] = [];
  const specs: ColumnSpec[] = [];
  const categories = offered.filter(({ kind }) => kind === 'category').length;
  const mostValues =
    encoding.categories === 'ordinal'
      ? MOST_CODES
      : Math.max(8, Math.min(100, Math.floor(WIDEST_CATEGORIES / categories)));
  const texts = offered.filter(({ kind }) => kind === 'text').length;
  const textWidth = Math.floor(Math.min(encoding.textWidth, MOST_TEXT_CELLS / rows.length) / texts);
  for (const column of offered) {
    const fit = fitColumn(column, { rows, encoding, target, mostValues, textWidth });
    if (fit === undefined) continue;
    fits.push(fit);
    specs.push(column.spec);
  }
  if (fits.length > 0) {
    const used = new Set(fits.map(({ name }) => name));
    const columns = offered.filter(({ spec }) => used.has(spec.name));
    const interactions = isSupervised(target) ? fitInteractions(columns, target, rows, encoding) : [];
    return { fits, specs, interactions, blocks: blocksOf(fits, interactions) };
  }
  throw new Failure('NO_USABLE_FEATURES', 'no feature column is left to learn from', {
    hint: 'identifiers, constant columns and columns that repeat the target are not used; add others',
  });
};

interface Fitting {
  readonly rows: Int32Array;
  readonly encoding: Encoding;
  readonly target: Target | null;
  readonly mostValues: number;
  readonly textWidth: number;
}

const fitColumn = (
  column: Column,
  { rows, encoding, target, mostValues, textWidth }: Fitting,
): FeatureFit | undefined => {
  const { name } = column.spec;
  switch (column.kind) {
    case 'number':
      return fitNumber(name, column.values, rows, encoding);
    case 'time':
      return fitTime(name, column.values, rows, encoding);
    case 'category':
      if (isSupervised(target) && valuesOf(column.codes, rows) > (encoding.targetAbove ?? Infinity))
        return fitTargetEncoding(name, column, target, rows);
      return fitCategory(name, column.codes, column.dictionary, rows, encoding, mostValues);
    case 'text':
      return textWidth < 2 ? undefined : fitText(column, target, rows, textWidth);
  }
};

const valuesOf = (codes: Int32Array, rows: Int32Array): number => {
  const seen = new Set<number>();
  for (const row of rows) seen.add(codes[row]);
  return seen.size;
};

/** Width of the feature vector that the preparation makes of one row. */
export const preparedWidth = ({ blocks }: Preparation): number =>
  blocks.reduce((width, block) => width + block.width, 0);

export const signatureInputs = ({ fits, specs }: Preparation): ModelSignature['inputs'] =>
  specs.map((spec, i) => {
    const fit = fits[i];
    return { spec, known: fit?.kind === 'category' && !fit.other ? [...fit.values] : null };
  });
