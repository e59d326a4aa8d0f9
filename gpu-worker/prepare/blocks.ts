/** Which features of the matrix belong to which column: for embeddings, for trees and for explanations. */
import { categoryPlaces } from './category';
import type { CategoryFit } from './category';
import type { InteractionFit } from './interactions';
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
  /** Of an interaction, whose `column` is no column of the table but what was made of these two. */
  readonly of?: readonly [string, string];
}

/** In the order that `preparedFeatures` makes them: number columns first, all their values, indicators, bins. */
export const blocksOf = (
  fits: readonly FeatureFit[],
  interactions: readonly InteractionFit[],
): FeatureBlock[] => {
  const blocks: FeatureBlock[] = [];
  let from = 0;
  const add = (
    column: string,
    kind: BlockKind,
    width: number,
    more: Pick<FeatureBlock, 'places' | 'of'> = {},
  ): void => {
    if (width === 0) return;
    blocks.push({ column, kind, from, width, ...more });
    from += width;
  };
  const plain = fits.filter((fit) => fit.kind === 'number').map((fit) => ({ fit }));
  const numbers: { fit: NumberFit; of?: InteractionFit['of'] }[] = [...plain, ...interactions];
  for (const { fit, of } of numbers) add(fit.name, 'value', 1, of && { of });
  for (const { fit, of } of numbers) add(fit.name, 'missing', fit.indicator ? 1 : 0, of && { of });
  for (const { fit, of } of numbers) add(fit.name, 'bins', Math.max(0, fit.edges.length - 1), of && { of });
  for (const fit of fits) {
    if (fit.kind === 'category') {
      if (fit.encoding === 'ordinal') add(fit.name, 'code', 1, { places: fit.values.length + 1 });
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
