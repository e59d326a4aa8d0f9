/** California housing as a table: the eight numeric columns and the target. */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ColumnSpec } from '../contracts';
import type { Column, Table } from '../gpu-worker/data';

export const TARGET = 'median_house_value';
const COLUMNS = [
  'longitude',
  'latitude',
  'housing_median_age',
  'total_rooms',
  'total_bedrooms',
  'population',
  'households',
  'median_income',
];
const number = (name: string, values: Float64Array): Column => {
  const spec: ColumnSpec & { type: 'number' } = { v: 1, name, type: 'number', missing: [] };
  return { spec, kind: 'number', values };
};

export const housingTable = (): Table => {
  // dist/bench/housing-table.js -> the folder beside the project
  const path = resolve(__dirname, '../../../shared/data/california_housing.csv');
  if (!existsSync(path)) throw new Error(`the real data are not there: ${path}`);
  const [header = '', ...lines] = readFileSync(path, 'utf8').trim().split(/\r?\n/);
  const names = header.split(',');
  const cells = lines.map((line) => line.split(','));
  const of = (name: string): Float64Array => {
    const at = names.indexOf(name);
    return Float64Array.from(cells, (row) => (row[at] === '' ? NaN : Number(row[at])));
  };
  const columns = [...COLUMNS, TARGET].map((name) => number(name, of(name)));
  return { rows: cells.length, columns, holdout: new Uint8Array(cells.length) };
};
