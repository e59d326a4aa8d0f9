import { op } from '../../onnx';
import type { Value } from '../../onnx';
import { categoryPlaces } from './category';
import type { CategoryFit } from './category';

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
