import { randomKey, randomNormal } from '../../onnx';
import type { Table } from '../data/table';
import { bootstrapMetrics } from '../evaluate/bootstrap';
import { request } from '../testing/examples';
import { tableOf } from '../testing/table';
import { usefulness } from './usefulness';

const signal = new AbortController().signal;

/** y is x and noise of half its size; the last 200 of 600 rows are held out. */
const rows = (stream: number): Table => {
  const key = randomKey(31, stream);
  const x = Array.from({ length: 600 }, (_, row) => randomNormal(key, row));
  const y = x.map((value, row) => value + 0.5 * randomNormal(key, 1000 + row));
  return tableOf({ x, y }, (row) => row >= 400);
};
const range = (from: number, to: number): Int32Array =>
  Int32Array.from({ length: to - from }, (_, i) => from + i);

it('what made-up rows are worth moves with the held-out rows, for both models alike', async () => {
  const split = { training: range(0, 400), validation: new Int32Array(0), test: range(400, 600) };
  const compared = { real: rows(1), made: rows(2), split, columns: ['x', 'y'] };
  const useful = await usefulness(
    compared,
    request({ family: 'gan' }, { task: 'synthesis', target: 'y' }),
    signal,
  );
  if (useful === undefined) throw new Error('there is a target');
  const { utility, trainedOnReal } = await bootstrapMetrics(useful.test, 1, signal);
  // The standard error of an rmse of normal errors is sd / sqrt(2 n): 0.5 / 20, of both sides 1.96 times.
  const width = (trainedOnReal.high ?? NaN) - (trainedOnReal.low ?? NaN);
  expect(width).toBeGreaterThan(0.06);
  expect(width).toBeLessThan(0.15);
  // Rows from the same distribution are as good as real ones, and both models are asked about the same draws.
  expect(utility.low).toBeGreaterThan(0.9);
  expect(utility.high).toBeLessThan(1.1);
});
