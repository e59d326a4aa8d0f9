/** The product sums of windows that are filtered one by one: neighbours share no cells, so each is multiplied out. */
import { input, modelBytes, op } from '../../../onnx';
import { inBlocks } from '../../engine/in-blocks';
import { float64, withSession } from '../../engine/onnxruntime';
import { ROWS } from '../../prepare/graph';
import type { ForecastTarget } from '../../prepare/target';
import { windowBlockRows } from '../../prepare/window';
import { emptySums } from './product-sums';
import type { ProductSums } from './product-sums';
import { readWindow, scaled } from './scale';
import type { SeriesScale } from './scale';

/** Of series `s`. The past is read by the nodes of the sealed file, so that a model learns from what it will be served. */
export const filteredSums = async (
  target: Pick<ForecastTarget, 'values' | 'lookback' | 'horizon' | 'smooth'>,
  scale: SeriesScale,
  s: number,
  windows: Int32Array,
  signal: AbortSignal,
): Promise<ProductSums> => {
  const { values, lookback, horizon } = target;
  const total = emptySums(lookback + horizon);
  const past = input('past', 'float64', [ROWS, lookback]);
  // The steps ahead in scale, and a constant 1.
  const rest = input('rest', 'float64', [ROWS, horizon + 1]);
  const cells = op.Concat([op.Cast(readWindow(past, target, scale, s), 'float64'), rest], 1);
  const products = op.MatMul(op.Transpose(cells), cells);
  const model = modelBytes({ name: 'products', inputs: [past, rest], outputs: { products } });
  await withSession(model, {}, (session) =>
    inBlocks(
      windows.length,
      signal,
      async (from, to) => {
        const rows = to - from;
        const [read, told] = [lookback, horizon + 1].map((width) => new Float64Array(rows * width));
        windows.subarray(from, to).forEach((row, i) => {
          read.set(values[s].subarray(row + 1 - lookback, row + 1), i * lookback);
          const ahead = values[s].subarray(row + 1, row + 1 + horizon);
          told.set([...ahead.map((value) => scaled(scale, s, value)), 1], i * (horizon + 1));
        });
        const { products } = await session.run({
          past: float64(read, [rows, lookback]),
          rest: float64(told, [rows, horizon + 1]),
        });
        if (!(products.data instanceof Float64Array)) throw new Error('expected a float64 tensor');
        products.data.forEach((sum, at) => (total.sums[at] += sum));
      },
      windowBlockRows(total.size),
    ),
  );
  return total;
};
