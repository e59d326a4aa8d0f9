/** The tabular sets of ../shared/data as tables: what is asked for, and what would give the answer away. */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { ColumnSpec } from '../contracts';
import type { Column, Table } from '../gpu-worker/data/table';
import { inferColumn, parseCell, records } from '../tabular';

export interface DataSet {
  readonly name: string;
  readonly file: string;
  readonly target: string;
  readonly task: 'regression' | 'classification';
  /** Identifiers and leaks. */
  readonly drop?: readonly string[];
  /** One-hot columns that together are the target. */
  readonly oneHot?: readonly string[];
  readonly label?: (cell: string) => string;
}

const FAULTS = ['Pastry', 'Z_Scratch', 'K_Scatch', 'Stains', 'Dirtiness', 'Bumps', 'Other'];
const FAILURE_MODES = ['TWF', 'HDF', 'PWF', 'OSF', 'RNF'];

/** Small sets first. */
export const SETS: readonly DataSet[] = [
  {
    name: 'heart',
    file: 'heart_cleveland.csv',
    target: 'num',
    task: 'classification',
    label: (cell) => (Number(cell) > 0 ? '1' : '0'),
  },
  {
    name: 'breast_cancer',
    file: 'breast_cancer_wdbc.csv',
    target: 'diagnosis',
    task: 'classification',
    drop: ['id'],
  },
  { name: 'energy', file: 'energy_efficiency.csv', target: 'heating_load', task: 'regression' },
  { name: 'german_credit', file: 'german_credit.csv', target: 'default', task: 'classification' },
  { name: 'concrete', file: 'concrete.csv', target: 'strength', task: 'regression' },
  { name: 'insurance', file: 'insurance_charges.csv', target: 'charges', task: 'regression' },
  {
    name: 'steel_plates',
    file: 'steel_plates_faults.csv',
    target: 'fault',
    task: 'classification',
    oneHot: FAULTS.map((fault) => `${fault}_${fault === 'Other' ? 'Faults' : 'Fault'}`),
  },
  {
    name: 'nyc_taxis',
    file: 'nyc_taxis_sample.csv',
    target: 'fare',
    task: 'regression',
    drop: ['total', 'tip', 'tolls'],
  },
  {
    name: 'telco',
    file: 'telco_churn.csv',
    target: 'Churn',
    task: 'classification',
    drop: ['customerID'],
  },
  {
    name: 'ai4i',
    file: 'ai4i2020.csv',
    target: 'Machine failure',
    task: 'classification',
    drop: ['UDI', 'Product ID', ...FAILURE_MODES],
  },
  {
    name: 'bike',
    file: 'bike_sharing_hour.csv',
    target: 'cnt',
    task: 'regression',
    drop: ['instant', 'casual', 'registered'],
  },
  { name: 'housing', file: 'california_housing.csv', target: 'median_house_value', task: 'regression' },
  { name: 'adult', file: 'adult_train.csv', target: 'income', task: 'classification' },
  {
    name: 'metro',
    file: 'metro_interstate_traffic.csv',
    target: 'traffic_volume',
    task: 'regression',
  },
];

export const setNamed = (name: string): DataSet => {
  const found = SETS.find((set) => set.name === name);
  if (found === undefined)
    throw new Error(`no set ${name}; one of ${SETS.map((set) => set.name).join(', ')}`);
  return found;
};

/** Every fifth row. */
export const everyFifth = (rows: number): Uint8Array =>
  Uint8Array.from({ length: rows }, (_, row) => (row % 5 === 0 ? 1 : 0));

/** No row is held out. Undefined where the file is not here. */
export const readSet = (set: DataSet): Table | undefined => {
  const path = join(dataFolder(), set.file);
  if (!existsSync(path)) return undefined;
  const [header = [], ...rows] = records(readFileSync(path, 'utf8').replace(/^\uFEFF/, ''), ',');
  const place = (name: string): number => header.indexOf(name);
  const cells = header.map((_, at) => rows.map((row) => row[at] ?? ''));
  const left = header.filter(
    (name) => name !== set.target && !(set.drop ?? []).includes(name) && !(set.oneHot ?? []).includes(name),
  );
  const columns = left.map((name) => columnOf(name, cells[place(name)] ?? []));
  const target =
    set.oneHot === undefined
      ? (cells[place(set.target)] ?? []).map(set.label ?? ((cell) => cell))
      : rows.map((row) => (set.oneHot ?? []).find((name) => Number(row[place(name)]) === 1) ?? '');
  return {
    rows: rows.length,
    columns: [...columns, columnOf(set.target, target)],
    holdout: new Uint8Array(rows.length),
  };
};

// dist/bench/sets.js -> the folder beside the project
const dataFolder = (): string => {
  for (let folder = resolve(__dirname); ; folder = resolve(folder, '..')) {
    const found = join(folder, 'shared', 'data');
    if (existsSync(found)) return found;
    if (folder === resolve(folder, '..')) return found;
  }
};

const PLAIN = /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i;

const columnOf = (name: string, cells: readonly string[]): Column => {
  const counts = new Map<string, number>();
  for (const cell of cells) counts.set(cell, (counts.get(cell) ?? 0) + 1);
  const others = [...counts].filter(([cell]) => cell !== '' && !PLAIN.test(cell)).sort((a, b) => b[1] - a[1]);
  const plain = [...counts].reduce((sum, [cell, count]) => sum + (PLAIN.test(cell) ? count : 0), 0);
  const summary = {
    ...{ name, rows: cells.length, empty: counts.get('') ?? 0 },
    ...{ plain, distinct: counts.size, others },
  };
  const { spec } = inferColumn(summary);
  const values = cells.map((cell) => {
    const parsed = parseCell(spec, cell);
    return parsed.ok ? parsed.value : null;
  });
  return typed(spec, values);
};

const typed = (spec: ColumnSpec, values: readonly (string | number | null)[]): Column => {
  if (spec.type === 'number' || spec.type === 'time')
    return {
      spec: { ...spec, type: spec.type },
      kind: spec.type,
      values: Float64Array.from(values, (value) => (value === null ? NaN : Number(value))),
    } as Column;
  const dictionary = [...new Set(values.filter((value) => value !== null).map(String))].sort();
  const code = new Map(dictionary.map((value, at) => [value, at]));
  return {
    spec: { ...spec, type: 'category' },
    kind: 'category',
    codes: Int32Array.from(values, (value) => (value === null ? -1 : (code.get(String(value)) ?? -1))),
    dictionary,
  };
};
