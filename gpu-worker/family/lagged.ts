import type { ConcreteSpec, WindowOptions } from '../../contracts';
import { laggedColumns } from '../prepare/lags';
import type { Lagged } from '../prepare/lags';
import type { Target } from '../prepare/target';
import type { Family } from './family';
import type { ShapleyValues } from './trained';

/** A family of single rows that with `window` also reads what the rows before say, as columns of their own. */
export const readingLags = <S extends ConcreteSpec & { window?: WindowOptions }, T extends Target>(
  family: Family<S, T>,
): Family<S, T> => ({
  ...family,
  train: async (spec, data, context) => {
    if (spec.window === undefined) return family.train(spec, data, context);
    const lagged = await laggedColumns(data.table, data.columns, spec.window, context.signal);
    const { shapley, ...trained } = await family.train(spec, data.of(lagged.table, lagged.columns), context);
    return {
      ...trained,
      inputs: lagged.inputs(trained.inputs),
      output: (typed) => trained.output(lagged.nodes(typed)),
      ...(shapley && { shapley: async (rows, signal) => bySource(await shapley(rows, signal), lagged) }),
    };
  },
});

/** The values of what is made of one column are added up. */
const bySource = ({ columns, values, ...rest }: ShapleyValues, { sourceOf }: Lagged): ShapleyValues => {
  const sources = [...new Set(columns.map(sourceOf))];
  const place = columns.map((column) => sources.indexOf(sourceOf(column)));
  const sums = new Float64Array((values.length / columns.length) * sources.length);
  values.forEach((value, i) => {
    const row = Math.floor(i / columns.length);
    sums[row * sources.length + place[i % columns.length]] += value;
  });
  return { ...rest, columns: sources, values: sums };
};
