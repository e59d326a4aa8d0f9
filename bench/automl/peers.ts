/** XGBoost and scikit-learn's HistGradientBoosting with their defaults, on the same rows. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Column, Table } from '../../gpu-worker/data/table';
import type { SupervisedTarget } from '../../gpu-worker/prepare/target';
import { pythonWith } from '../python';

export const PEERS = ['XGBoost', 'HistGradientBoosting'] as const;
export type Peer = (typeof PEERS)[number];

const FIT = `
import json, sys, warnings
import numpy as np
warnings.filterwarnings('ignore')
with open('peers.json') as file:
    asked = json.load(file)
x = np.fromfile('x.f64').reshape(asked['rows'], -1)
y = np.fromfile('y.f64')
train, test = (np.array(asked[name]) for name in ('train', 'test'))
classify = asked['classes'] > 0
if asked['peer'] == 'XGBoost':
    from xgboost import XGBClassifier, XGBRegressor
    model = XGBClassifier(n_jobs=2) if classify else XGBRegressor(n_jobs=2)
else:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    model = HistGradientBoostingClassifier() if classify else HistGradientBoostingRegressor()
model.fit(x[train], y[train])
(model.predict_proba(x[test]) if classify else model.predict(x[test])).astype('float64').tofile('out.f64')
`;

/**
 * Row-major [rows, width]. Categories are coded by their order, missing cells are NaN, and an instant is given as a number
 * and as hour, weekday, day of the year and year: our own features of it.
 */
export const matrixOf = (columns: readonly Column[], rows: number): Float64Array => {
  const parts = columns.flatMap((column) =>
    column.kind === 'number'
      ? [column.values]
      : column.kind === 'time'
        ? timeParts(column.values)
        : 'codes' in column
          ? [Float64Array.from(column.codes, (code) => (code < 0 ? NaN : code))]
          : [],
  );
  const matrix = new Float64Array(rows * parts.length);
  parts.forEach((values, at) => values.forEach((value, row) => (matrix[row * parts.length + at] = value)));
  return matrix;
};

/** Answers for `test`, [rows, width] row-major in target units. */
export const peerAnswers = (
  peer: Peer,
  folder: string,
  data: { readonly table: Table; readonly features: readonly string[]; readonly target: SupervisedTarget },
  rows: { readonly training: Int32Array; readonly test: Int32Array },
): Float64Array => {
  const python = pythonWith('sklearn, xgboost', 'python3-xgboost');
  const { table, target } = data;
  const x = matrixOf(
    table.columns.filter(({ spec }) => data.features.includes(spec.name)),
    table.rows,
  );
  const y = target.task === 'regression' ? target.values : Float64Array.from(target.codes);
  writeFileSync(join(folder, 'x.f64'), x);
  writeFileSync(join(folder, 'y.f64'), Float64Array.from(y));
  writeFileSync(
    join(folder, 'peers.json'),
    JSON.stringify({
      ...{ peer, rows: table.rows, train: [...rows.training], test: [...rows.test] },
      classes: target.task === 'regression' ? 0 : target.classes.length,
    }),
  );
  execFileSync(python, ['-c', FIT], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
  return new Float64Array(Uint8Array.from(readFileSync(join(folder, 'out.f64'))).buffer);
};

const timeParts = (micros: Float64Array): Float64Array[] => {
  const part = (of: (date: Date) => number): Float64Array =>
    micros.map((at) => (Number.isNaN(at) ? NaN : of(new Date(at / 1000))));
  return [
    micros,
    part((date) => date.getUTCHours() + date.getUTCMinutes() / 60),
    part((date) => date.getUTCDay()),
    part((date) => (date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / 86_400_000),
    part((date) => date.getUTCFullYear()),
  ];
};
