/** Which features of the matrix belong to which column: for embeddings, for trees and for explanations. */
import { categoryPlaces } from './category';
import type { CategoryFit } from './category';
import type { NumberFit } from './number';
import { targetEncodingWidth } from './target-encoding';
import type { TargetEncodingFit } from './target-encoding';
import type { TextFit } from './text';
import { timeParts } from './time';
import type { TimeFit } from './time';

export type FeatureFit = NumberFit | CategoryFit | TargetEncodingFit | TextFit | TimeFit;

/**
 * `value`: the number, one feature. `missing`: 1 where it is missing. `bins`: its piecewise-linear encoding. `one-hot`: a
 * category's values and, last, all others. `code`: a category's place, 0 to `places` - 1. `target`: what a category's
 * value says about the target. `words`, `characters`: TF-IDF of a text. `trend`, `hour`, `weekday`, `day`, `season`: of an instant.
 */
type BlockKind =
  | 'value'
  | 'missing'
  | 'bins'
  | 'one-hot'
  | 'code'
  | 'target'
  | 'words'
  | 'characters'
  | 'trend'
  | 'hour'
  | 'weekday'
  | 'day'
  | 'season';

export interface FeatureBlock {
  readonly column: string;
  readonly kind: BlockKind;
  /** First feature and how many. */
  readonly from: number;
  readonly width: number;
  /** Of a `code`: how many codes there are, that of rare, missing and unseen values, the last, always among them. */
  readonly places?: number;
}

/** In the order that `preparedFeatures` makes them: number columns first, all their values, indicators, bins. */
export const blocksOf = (fits: readonly FeatureFit[]): FeatureBlock[] => {
  const blocks: FeatureBlock[] = [];
  let from = 0;
  const add = (column: string, kind: BlockKind, width: number, places?: number): void => {
    if (width === 0) return;
    blocks.push({ column, kind, from, width, ...(places !== undefined && { places }) });
    from += width;
  };
  const numbers = fits.filter((fit) => fit.kind === 'number');
  for (const { name } of numbers) add(name, 'value', 1);
  for (const { name, indicator } of numbers) add(name, 'missing', indicator ? 1 : 0);
  for (const { name, edges } of numbers) add(name, 'bins', Math.max(0, edges.length - 1));
  for (const fit of fits) {
    if (fit.kind === 'category') {
      if (fit.encoding === 'ordinal') add(fit.name, 'code', 1, fit.values.length + 1);
      else add(fit.name, 'one-hot', categoryPlaces(fit));
    } else if (fit.kind === 'target') {
      add(fit.name, 'target', targetEncodingWidth(fit));
    } else if (fit.kind === 'text') {
      for (const { cut, grams } of fit.vocabularies) add(fit.name, cut, grams.length);
    } else if (fit.kind === 'time') {
      add(fit.name, 'trend', 1);
      add(fit.name, 'missing', fit.indicator ? 1 : 0);
      for (const { part, width } of timeParts(fit)) add(fit.name, part, width);
    }
  }
  return blocks;
};
