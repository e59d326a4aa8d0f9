/** The fitted preparation as ONNX nodes: typed columns in, one float32 feature matrix out. */
import { constant, input, op, scalar, tensor, vector } from '../../onnx';
import type { Value } from '../../onnx';
import type { ModelSignature } from '../../contracts';
import type { CategoryFit } from './category';
import type { NumberFit } from './number';
import type { Preparation } from './preparation';
import { categoryWidth } from './category';
import {
  FIRST_MONDAY_MICROS,
  HOUR_HARMONICS,
  MICROS_PER_DAY,
  MICROS_PER_WEEK,
  MICROS_PER_YEAR,
  SEASON_HARMONICS,
} from './time';
import type { TimeFit } from './time';

/** A missing instant; the smallest int64, no date. A missing number is NaN, a missing text is ''. */
export const MISSING_TIME = -(2n ** 63n);
const MISSING = tensor('int64', [MISSING_TIME], []);

/** Name of the row dimension of every input and output. */
export const ROWS = 'rows';

/** One [rows] input a column, named by it: number double, category and text string, time int64 epoch microseconds. */
export const typedInputs = (inputs: ModelSignature['inputs']): Record<string, Value> =>
  Object.fromEntries(
    inputs.map(({ spec }) => [spec.name, input(spec.name, INPUT_DTYPES[spec.type], [ROWS])]),
  );

const INPUT_DTYPES = { number: 'float64', category: 'string', text: 'string', time: 'int64' } as const;

/** Typed columns by name -> [rows, preparedWidth] float32. */
export const preparedFeatures = ({ fits }: Preparation, columns: Readonly<Record<string, Value>>): Value => {
  const numbers: { fit: NumberFit; value: Value }[] = [];
  const later: Value[] = [];
  for (const fit of fits) {
    const value = columns[fit.name];
    if (value === undefined) throw new Error(`the graph has no column ${fit.name}`);
    switch (fit.kind) {
      case 'number':
        numbers.push({ fit, value });
        break;
      case 'category':
        later.push(categoryFeatures(fit, value));
        break;
      case 'time':
        later.push(...timeFeatures(fit, value));
        break;
    }
  }
  return joined([...numberFeatures(numbers), ...later]);
};

const joined = (blocks: readonly Value[]): Value => {
  const [first] = blocks;
  if (blocks.length === 1 && first !== undefined) return first;
  return op.Concat(blocks, 1);
};

/** All number columns side by side, in double until they are scaled: large values keep their small differences. */
const numberFeatures = (columns: readonly { fit: NumberFit; value: Value }[]): Value[] => {
  if (columns.length === 0) return [];
  const of = (get: (fit: NumberFit) => number): Value =>
    vector(
      columns.map(({ fit }) => get(fit)),
      'float64',
    );
  const values = joined(columns.map(({ value }) => op.Unsqueeze(value, [1])));
  const missing = op.IsNaN(values);
  const filled = op.Where(
    missing,
    of((fit) => fit.median),
    values,
  );
  const clipped = op.Max(
    op.Min(
      filled,
      of((fit) => fit.high),
    ),
    of((fit) => fit.low),
  );
  const scaled = op.Div(
    op.Sub(
      clipped,
      of((fit) => fit.mean),
    ),
    of((fit) => fit.deviation),
  );
  const blocks = [op.Cast(scaled, 'float32')];
  const indicated = columns.flatMap(({ fit }, i) => (fit.indicator ? [i] : []));
  if (indicated.length > 0)
    blocks.push(op.Gather(op.Cast(missing, 'float32'), vector(indicated, 'int64'), 1));
  const bins = columns.flatMap(({ fit }, column) =>
    fit.edges.slice(1).map((end, i) => ({ column, start: fit.edges[i] ?? end, end })),
  );
  if (bins.length > 0) blocks.push(piecewiseFeatures(clipped, bins));
  return blocks;
};

/** How far the value has come through each bin, 0 to 1 (Gorishniy et al. 2022, equation 1). */
const piecewiseFeatures = (
  clipped: Value,
  bins: readonly { column: number; start: number; end: number }[],
): Value => {
  const source = op.Gather(
    clipped,
    vector(
      bins.map(({ column }) => column),
      'int64',
    ),
    1,
  );
  const starts = vector(
    bins.map(({ start }) => start),
    'float64',
  );
  const widths = vector(
    bins.map(({ start, end }) => end - start),
    'float64',
  );
  return op.Clip(op.Cast(op.Div(op.Sub(source, starts), widths), 'float32'), 0, 1);
};

/** One-hot. An unseen value falls into «other», or, in a closed vocabulary, gives all zeros. */
const categoryFeatures = (fit: CategoryFit, value: Value): Value => {
  const codes = op.StringToInt(
    value,
    fit.values,
    fit.values.map((_, i) => i),
    fit.values.length,
  );
  return op.OneHot(codes, categoryWidth(fit));
};

const timeFeatures = (fit: TimeFit, value: Value): Value[] => {
  const micros = (count: number): Value => scalar(count, 'int64');
  const missing = op.Equal(value, constant(MISSING));
  const instant = op.Where(missing, micros(fit.medianMicros), value);
  const column = (feature: Value): Value => op.Unsqueeze(op.Cast(feature, 'float32'), [1]);
  const clipped = op.Max(op.Min(instant, micros(fit.toMicros)), micros(fit.fromMicros));
  const since = op.Cast(op.Sub(clipped, micros(fit.fromMicros)), 'float64');
  const features = [column(op.Div(since, fit.toMicros - fit.fromMicros))];
  if (fit.indicator) features.push(column(missing));
  const cycle = (length: number, harmonics: number): void => {
    const turn = op.Mul(op.Cast(op.Mod(instant, micros(length)), 'float64'), (2 * Math.PI) / length);
    for (let harmonic = 1; harmonic <= harmonics; harmonic++) {
      // cos x = sin(x + π/2): onnxruntime's cpu provider has Sin in double.
      for (const shift of [0, Math.PI / 2])
        features.push(column(op.Sin(op.Add(op.Mul(turn, harmonic), shift))));
    }
  };
  if (fit.hour) cycle(MICROS_PER_DAY, HOUR_HARMONICS);
  if (fit.weekday) {
    const inWeek = op.Mod(op.Sub(instant, micros(FIRST_MONDAY_MICROS)), micros(MICROS_PER_WEEK));
    features.push(op.OneHot(op.Div(inWeek, micros(MICROS_PER_DAY)), 7));
  }
  if (fit.season) cycle(MICROS_PER_YEAR, SEASON_HARMONICS);
  return features;
};
