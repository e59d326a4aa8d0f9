import type { ConcreteSpec, WindowOptions } from '../../contracts';
import { laggedColumns } from '../prepare/lags';
import type { Lagged } from '../prepare/lags';
import type { Target } from '../prepare/target';
import type { Family } from './family';
import type { ExactShapley, Trained } from './trained';

/** A family of single rows that with `window` also reads what the rows before say, as columns of their own. */
export const readingLags = <S extends ConcreteSpec & { window?: WindowOptions }, T extends Target>(
  family: Family<S, T>,
): Family<S, T> => ({
  ...family,
  train: async (spec, data, context) => {
    if (spec.window === undefined) return family.train(spec, data, context);
    const lagged = await laggedColumns(data.table, data.columns, spec.window, context.signal);
    return byColumns(await family.train(spec, data.of(lagged.table, lagged.columns), context), lagged);
  },
});

/** The same model as it reads the columns of the data themselves. */
const byColumns = ({ shapley, parts, ...trained }: Trained, lagged: Lagged): Trained => ({
  ...trained,
  inputs: lagged.inputs(trained.inputs),
  output: (typed) => trained.output(lagged.nodes(typed)),
  ...(shapley && { shapley: bySource(shapley, lagged) }),
  ...(parts && { parts: { ...parts, first: (count) => byColumns(parts.first(count), lagged) } }),
});

/** What is made of one column becomes known together. */
const bySource = ({ unit, values }: ExactShapley, { sourceOf }: Lagged): ExactShapley => ({
  unit,
  values: (asked, signal) =>
    values({ ...asked, playerOf: (column) => asked.playerOf(sourceOf(column)) }, signal),
});
