/** The fitted preparation as ONNX nodes: typed columns in, one float32 feature matrix out. */
import { input } from '../../onnx';
import type { Value } from '../../onnx';
import type { ColumnSpec, ModelSignature } from '../../contracts';
import { categoryFeatures, targetEncodingFeatures } from './category-graph';
import { interactionValue } from './interactions';
import { numberFeatures, sideBySide } from './number-graph';
import type { NumberColumn } from './number-graph';
import type { Preparation } from './preparation';
import { textFeatures } from './text-graph';
import { timeFeatures } from './time-graph';

/** Name of the row dimension of every input and output. */
export const ROWS = 'rows';

/** One input a column, [rows] or [rows, window], named by it: number double, category and text string, time int64 epoch microseconds. */
export const typedInputs = (inputs: ModelSignature['inputs']): Record<string, Value> =>
  Object.fromEntries(inputs.map(({ spec, window }) => [spec.name, typedInput(spec, window)]));

/** A picture comes as its pixels, [rows, height, width, channels]. */
const typedInput = ({ name, type, image }: ColumnSpec, window?: number): Value =>
  type === 'image'
    ? input(name, 'uint8', [ROWS, image?.height ?? 1, image?.width ?? 1, image?.channels ?? 1])
    : input(name, INPUT_DTYPES[type], window === undefined ? [ROWS] : [ROWS, window]);

const INPUT_DTYPES = { number: 'float64', category: 'string', text: 'string', time: 'int64' } as const;

/** Typed columns by name -> [rows, preparedWidth] float32, laid out as `Preparation.blocks` says. */
export const preparedFeatures = (
  { fits, interactions }: Preparation,
  columns: Readonly<Record<string, Value>>,
): Value => {
  const numbers: NumberColumn[] = [];
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
      case 'target':
        later.push(targetEncodingFeatures(fit, value));
        break;
      case 'text':
        later.push(...textFeatures(fit, value));
        break;
      case 'time':
        later.push(...timeFeatures(fit, value));
        break;
    }
  }
  for (const interaction of interactions) {
    const [a, b] = interaction.of.map((name) => columns[name]);
    if (a === undefined || b === undefined)
      throw new Error(`the graph lacks a column of ${interaction.fit.name}`);
    numbers.push({ fit: interaction.fit, value: interactionValue(interaction, a, b) });
  }
  return sideBySide([...numberFeatures(numbers), ...later]);
};
