import { Failure } from '../../contracts';
import type { ForecastAnswer, ModelSignature, PredictionRecord, RawCell } from '../../contracts';
import { isoMicros } from '../../tabular';
import type { Output, RunOutputs } from './runner/protocol';

/** One row's answer. */
export type Answer = PredictionRecord['outputs'][number];

const MADE = 'row/';
const MISSING_TIME = -(2n ** 63n);
/** What a date can hold. */
const MOST_MICROS = 8.64e18;

/** A run's typed outputs as answers, one a row; fails with MODEL_FAILED when they are not what the signature says. */
export const answersOf = (run: RunOutputs, signature: ModelSignature): Answer[] => {
  const answer = answerOf(run, signature);
  return Array.from({ length: run.rows }, (_, row) => answer(row));
};

const answerOf = (run: RunOutputs, signature: ModelSignature): ((row: number) => Answer) => {
  if (signature.generated !== undefined) return madeRow(run, signature.generated);
  if (signature.task === 'forecast') return forecast(run, signature);
  const { classes } = signature;
  const gives = (name: ModelSignature['outputs'][number]): boolean => signature.outputs.includes(name);
  const prediction = valuesOf(run, 'prediction', 1);
  const predicted = Array.isArray(prediction) ? prediction : numbersOf(run, 'prediction', 1);
  const probabilities = gives('probabilities') ? numbersOf(run, 'probabilities', classes.length) : null;
  const low = gives('low') && numbersOf(run, 'low', 1);
  const high = gives('high') && numbersOf(run, 'high', 1);
  const set = gives('set') && valuesOf(run, 'set', classes.length);
  return (row) => ({
    prediction: predicted[row],
    probabilities: probabilities && Array.from(cut(probabilities, row, classes.length)),
    ...(low && high && { low: low[row], high: high[row] }),
    ...(set && { set: classes.filter((_, i) => set[row * classes.length + i] === 1) }),
  });
};

const forecast = (
  run: RunOutputs,
  { horizon = 0, targets = [], levels = [] }: ModelSignature,
): ((row: number) => Answer) => {
  const each = horizon * targets.length;
  const points = numbersOf(run, 'prediction', each);
  const quantiles = numbersOf(run, 'quantiles', each * levels.length);
  const bySteps = <T>(row: number, cell: (at: number) => T): T[][] =>
    Array.from({ length: horizon }, (_step, step) =>
      targets.map((_target, target) => cell(row * each + step * targets.length + target)),
    );
  return (row) => {
    const whole: ForecastAnswer = {
      prediction: bySteps(row, (at) => points[at]),
      quantiles: bySteps(row, (at) => Array.from(cut(quantiles, at, levels.length))),
    };
    return { prediction: whole.prediction[0][0], probabilities: null, forecast: whole };
  };
};

const madeRow = (
  run: RunOutputs,
  columns: NonNullable<ModelSignature['generated']>,
): ((row: number) => Answer) => {
  const cells = columns.map(({ name }) => ({ name, values: valuesOf(run, `${MADE}${name}`, 1) }));
  return (row) => ({
    prediction: null,
    probabilities: null,
    row: Object.fromEntries(cells.map(({ name, values }) => [name, rawCell(values[row])])),
  });
};

/** As a partner sends it: an instant in ISO 8601, null for what is missing. */
const rawCell = (value: string | number | bigint): RawCell => {
  if (typeof value === 'string') return value === '' ? null : value;
  if (value === MISSING_TIME || Number.isNaN(value)) return null;
  if (typeof value === 'bigint' ? Math.abs(Number(value)) > MOST_MICROS : !Number.isFinite(value))
    throw new Failure('MODEL_FAILED', 'the model made up a value that is out of range');
  return typeof value === 'bigint' ? isoMicros(Number(value)) : value;
};

const cut = (values: Numbers, at: number, each: number): Numbers =>
  values.subarray(at * each, (at + 1) * each);

type Numbers = Float32Array | Float64Array;

const numbersOf = (run: RunOutputs, name: string, each: number): Numbers => {
  const values = valuesOf(run, name, each);
  if (!(values instanceof Float32Array) && !(values instanceof Float64Array))
    throw new Failure('MODEL_FAILED', `the model gave a ${name} that is not a number`);
  if (!values.every(Number.isFinite))
    throw new Failure('MODEL_FAILED', `the model gave a ${name} that is not a finite number`);
  return values;
};

const valuesOf = (run: RunOutputs, name: string, each: number): Output['values'] => {
  const output = Object.hasOwn(run.outputs, name) ? run.outputs[name] : undefined;
  if (output === undefined) throw new Failure('MODEL_FAILED', `the model gave no ${name}`);
  if (output.each !== each)
    throw new Failure(
      'MODEL_FAILED',
      `the model gave ${output.each} values of ${name} a row, and its signature has ${each}`,
    );
  return output.values;
};
