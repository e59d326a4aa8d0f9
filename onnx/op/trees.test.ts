import { evaluate } from '../testing/runtime';
import { input } from '../value';
import { TreeEnsembleRegressor } from './trees';
import type { TreeNodes } from './trees';

const x = input('x', 'float32', ['rows', 2]);
/** feature 0 <= 0.5 or missing: 1 to output 0, else 10 to output 1. */
const stump: TreeNodes = {
  tree: [0, 0, 0],
  feature: [0, 0, 0],
  threshold: [0.5, 0, 0],
  yes: [1, -1, -1],
  no: [2, -1, -1],
  missingYes: [1, 0, 0],
  value: [0, 1, 10],
  output: [0, 0, 1],
};
const run = async (trees: TreeNodes, rows: readonly number[]) => {
  const y = TreeEnsembleRegressor(x, trees, 2);
  expect(y.shape).toEqual(['rows', 2]);
  const data = Float32Array.from(rows);
  return (await evaluate({ out: y }, [x], { x: { data, dims: [rows.length / 2, 2] } })).out?.numbers;
};

describe('TreeEnsembleRegressor', () => {
  it('sends rows to leaves, and missing values where the node says', async () => {
    expect(await run(stump, [0.5, 9, 0.6, 9, NaN, 9])).toEqual([1, 0, 0, 10, 1, 0]);
  });

  it('lets the tests of a set share a child', async () => {
    const set: TreeNodes = {
      tree: [3, 3, 3, 3],
      feature: [1, 1, 0, 0],
      threshold: [4, 7, 0, 0],
      equal: [1, 1, 0, 0],
      yes: [2, 2, -1, -1],
      no: [1, 3, -1, -1],
      missingYes: [0, 0, 0, 0],
      value: [0, 0, 1, 10],
      output: [0, 0, 0, 1],
    };
    expect(await run(set, [0, 4, 0, 7, 0, 5, 0, NaN])).toEqual([1, 0, 1, 0, 0, 10, 0, 10]);
  });

  it.each([
    ['no node', { ...stump, tree: [] }, 'needs a node'],
    ['a feature that is not there', { ...stump, feature: [2, 0, 0] }, 'feature 2 of 2'],
    ['a child that is not there', { ...stump, no: [5, -1, -1] }, 'leads to 5'],
    ['a circle', { ...stump, no: [0, -1, -1] }, 'leads to 0'],
    ['a child in another tree', { ...stump, tree: [0, 0, 1] }, 'leads to 2'],
    ['an output that is not there', { ...stump, output: [0, 0, 2] }, 'output 2 of 2'],
  ])('refuses %s', (_, trees, message) => {
    expect(() => TreeEnsembleRegressor(x, trees, 2)).toThrow(message);
  });
});
