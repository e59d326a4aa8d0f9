/** California housing as a table: the eight numeric columns and what is calculated from them, row by row. */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ColumnSpec } from '../../contracts';
import type { Column, Table } from '../../gpu-worker/data';

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
/** The ratios that the published figures were learned from. */
const RATIOS = [
  ['rooms_per_household', 'total_rooms', 'households'],
  ['bedrooms_per_room', 'total_bedrooms', 'total_rooms'],
  ['people_per_household', 'population', 'households'],
] as const;
/** The coast runs aslant: axes along which a tree can cut across longitude and latitude. */
const TURNS_DEGREES = [30, 45, 60, 120, 135, 150];

export type Derived = 'ratios' | 'ratios and turned axes';

const number = (name: string, values: Float64Array): Column => {
  const spec: ColumnSpec & { type: 'number' } = { v: 1, name, type: 'number', missing: [] };
  return { spec, kind: 'number', values };
};

export const housingTable = (derived: Derived): Table => {
  // dist/bench/housing/table.js -> the folder beside the project
  const path = resolve(__dirname, '../../../../shared/data/california_housing.csv');
  if (!existsSync(path)) throw new Error(`the real data are not there: ${path}`);
  const [header = '', ...lines] = readFileSync(path, 'utf8').trim().split(/\r?\n/);
  const names = header.split(',');
  const cells = lines.map((line) => line.split(','));
  const of = (name: string): Float64Array => {
    const at = names.indexOf(name);
    return Float64Array.from(cells, (row) => (row[at] === '' ? NaN : Number(row[at])));
  };
  const plain = [...COLUMNS, TARGET].map((name) => number(name, of(name)));
  const ratios = RATIOS.map(([name, over, under]) => {
    const [top, bottom] = [of(over), of(under)];
    return number(
      name,
      top.map((value, row) => value / bottom[row]),
    );
  });
  const [east, north] = [of('longitude'), of('latitude')];
  const turned = TURNS_DEGREES.map((degrees) => {
    const angle = (degrees * Math.PI) / 180;
    return number(
      `axis_${degrees}`,
      east.map((value, row) => value * Math.cos(angle) + north[row] * Math.sin(angle)),
    );
  });
  const more = { ratios, 'ratios and turned axes': [...ratios, ...turned] }[derived];
  return { rows: cells.length, columns: [...plain, ...more], holdout: new Uint8Array(cells.length) };
};
