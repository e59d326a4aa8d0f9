/** Real files are read as what they are. Skips a file that is not beside the repository. */
import { dataFile } from '../../test/support/data';
import { profileFile } from './testing/profile-file';

interface Expectation {
  readonly target: string;
  readonly task: 'regression' | 'classification';
  readonly rows: number;
  readonly split?: 'time' | 'hash';
  /** Missing cells by column. */
  readonly missing?: Record<string, number>;
  readonly types?: Record<string, string>;
  readonly leaks?: readonly string[];
  readonly identifiers?: readonly string[];
}

const FILES: Record<string, Expectation> = {
  california_housing: {
    target: 'median_house_value',
    task: 'regression',
    rows: 20640,
    missing: { total_bedrooms: 207 },
    types: { ocean_proximity: 'category' },
  },
  german_credit: { target: 'default', task: 'classification', rows: 1000 },
  adult_train: {
    target: 'income',
    task: 'classification',
    rows: 32561,
    missing: { workclass: 1836, occupation: 1843, native_country: 583 },
  },
  insurance_charges: { target: 'charges', task: 'regression', rows: 1338, leaks: [] },
  heart_cleveland: {
    target: 'num',
    task: 'classification',
    rows: 303,
    missing: { ca: 4, thal: 2 },
    types: { ca: 'number' },
  },
  breast_cancer_wdbc: {
    target: 'diagnosis',
    task: 'classification',
    rows: 569,
    identifiers: ['id'],
    leaks: [],
  },
  ai4i2020: {
    target: 'Machine failure',
    task: 'classification',
    rows: 10000,
    identifiers: ['UDI', 'Product ID'],
    leaks: ['TWF', 'HDF', 'PWF', 'OSF'],
  },
  telco_churn: {
    target: 'Churn',
    task: 'classification',
    rows: 7043,
    missing: { TotalCharges: 11 },
    types: { TotalCharges: 'number' },
    identifiers: ['customerID'],
  },
  concrete: { target: 'strength', task: 'regression', rows: 1030, leaks: [] },
  energy_efficiency: { target: 'heating_load', task: 'regression', rows: 768, leaks: [] },
  bike_sharing_hour: {
    target: 'cnt',
    task: 'regression',
    rows: 17379,
    split: 'time',
    types: { dteday: 'time' },
    identifiers: ['instant'],
    leaks: ['casual', 'registered'],
  },
  metro_interstate_traffic: {
    target: 'traffic_volume',
    task: 'regression',
    rows: 48204,
    split: 'time',
    types: { date_time: 'time', holiday: 'category' },
    missing: { holiday: 0 },
  },
  nyc_taxis_sample: {
    target: 'fare',
    task: 'regression',
    rows: 6433,
    split: 'hash',
    types: { pickup: 'time', dropoff: 'time', pickup_zone: 'category' },
    leaks: ['total'],
  },
};

describe.each(Object.entries(FILES))('%s', (name, expected) => {
  const path = dataFile(`${name}.csv`);
  // The files are not part of the project: without the data folder beside it there is nothing to read.
  (path === undefined ? it.skip : it)('is read as what it is', async () => {
    const { result, table } = await profileFile(path ?? '', expected.target);
    expect({ task: result.task, rows: result.rows }).toEqual({ task: expected.task, rows: expected.rows });
    expect(result.holdout.kind).toBe(expected.split ?? 'hash');
    const share = result.holdoutRows / result.rows;
    expect(share).toBeGreaterThan(0.15);
    expect(share).toBeLessThan(0.25);
    expect(table.holdout.reduce((sum, held) => sum + held, 0)).toBe(result.holdoutRows);
    for (const [column, missing] of Object.entries(expected.missing ?? {})) {
      expect([column, result.profile.find((profile) => profile.name === column)?.missing]).toEqual([
        column,
        missing,
      ]);
    }
    for (const [column, type] of Object.entries(expected.types ?? {})) {
      expect([column, result.columns.find((spec) => spec.name === column)?.type]).toEqual([column, type]);
    }
    const warned = (code: string): (string | null)[] =>
      result.warnings.filter((warning) => warning.code === code).map((warning) => warning.column);
    if (expected.leaks) expect(warned('LEAKING_COLUMN').sort()).toEqual([...expected.leaks].sort());
    expect(warned('IDENTIFIER_COLUMN').sort()).toEqual([...(expected.identifiers ?? [])].sort());
  });
});
