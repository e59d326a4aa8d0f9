import { constant, op, tensor } from '../../onnx';
import type { Value } from '../../onnx';
import { categoryPlaces } from './category';
import type { CategoryFit } from './category';
import { targetEncodingWidth } from './target-encoding';
import type { TargetEncodingFit } from './target-encoding';

/** One-hot, where an unseen value of a closed vocabulary is all zeros, or the code: string [rows] -> float32 [rows, width]. */
export const categoryFeatures = (fit: CategoryFit, value: Value): Value => {
  const keys = [...fit.values];
  const places = fit.values.map((_, i) => i);
  if (fit.missing !== 'other') {
    keys.push('');
    places.push(fit.missing === 'first' ? 0 : NaN);
  }
  const others = fit.values.length;
  if (fit.encoding === 'ordinal') return op.Unsqueeze(op.StringToFloat(value, keys, places, others), [1]);
  return op.OneHot(op.StringToInt(value, keys, places, others), categoryPlaces(fit));
};

/** string [rows] -> float32 [rows, width], the numbers of new rows: training rows get others, see `outOfFold`. */
export const targetEncodingFeatures = (fit: TargetEncodingFit, value: Value): Value => {
  const scores = tensor('float32', [...fit.scores, fit.prior].flat(), [
    fit.scores.length + 1,
    targetEncodingWidth(fit),
  ]);
  const places = op.StringToInt(
    value,
    fit.values,
    fit.values.map((_, i) => i),
    fit.values.length,
  );
  return op.Gather(constant(scores), places);
};
