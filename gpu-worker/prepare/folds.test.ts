import { permutation } from '../../onnx';
import { planFolds } from './folds';

const rows = Int32Array.from({ length: 103 }, (_, i) => 2 * i);
const tableRows = 210;
const options = { folds: 5, seed: 3 };

describe('folds', () => {
  it('judge every row once, by models that have not seen it, and are equal for equal seeds', () => {
    const folds = planFolds({ kind: 'random' }, rows, options);
    expect(folds).toHaveLength(5);
    expect(folds.flatMap(({ validation }) => [...validation]).sort((a, b) => a - b)).toEqual([...rows]);
    for (const { training, validation } of folds) {
      const taught = new Set(training);
      expect(training.length + validation.length).toBe(rows.length);
      expect([...validation].some((row) => taught.has(row))).toBe(false);
    }
    expect(planFolds({ kind: 'random' }, rows, options)).toEqual(folds);
    expect(planFolds({ kind: 'random' }, rows, { ...options, seed: 4 })[0]).not.toEqual(folds[0]);
  });

  it('stratified: each fold has its share of each class within one row; a single row always teaches', () => {
    const codes = Int32Array.from({ length: tableRows }, (_, row) =>
      row === 60 ? 2 : row % 14 === 0 ? 1 : 0,
    );
    const folds = planFolds({ kind: 'stratified', codes }, rows, options);
    for (const label of [0, 1]) {
      const all = rows.filter((row) => codes[row] === label).length;
      for (const { validation } of folds) {
        const here = validation.filter((row) => codes[row] === label).length;
        expect(Math.abs(here - all / 5)).toBeLessThan(1);
      }
    }
    expect(folds.every(({ training }) => training.includes(60))).toBe(true);
  });

  it('by group: no group is on both sides, and folds are of about equal size', () => {
    const codes = Int32Array.from({ length: tableRows }, (_, row) => Math.floor(Math.sqrt(row)));
    const folds = planFolds({ kind: 'group', codes }, rows, options);
    for (const { training, validation } of folds) {
      const taught = new Set(Array.from(training, (row) => codes[row]));
      expect([...validation].some((row) => taught.has(codes[row] ?? -1))).toBe(false);
      expect(validation.length).toBeGreaterThan(15);
    }
  });

  it('by time: what judges is later than all that taught, the latest fold first; equal instants stay together', () => {
    const order = permutation(tableRows, 1, 0);
    const values = Float64Array.from(order, (at) => Math.floor(at / 7));
    values[4] = NaN;
    const folds = planFolds({ kind: 'time', values }, rows, options);
    const last: number[] = [];
    for (const { training, validation } of folds) {
      const latest = Math.max(
        ...Array.from(training, (row) => values[row] ?? NaN).filter((at) => !Number.isNaN(at)),
      );
      const first = Math.min(...Array.from(validation, (row) => values[row] ?? NaN));
      expect(latest).toBeLessThan(first);
      expect(training).toContain(4);
      last.push(first);
    }
    expect(folds).toHaveLength(5);
    expect(last).toEqual([...last].sort((a, b) => b - a));
  });
});
