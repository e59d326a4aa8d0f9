/** Rows to learn from and rows to be judged by, as files that both sides read. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { randomKey, randomNormal } from '../../onnx';
import { shuffled, uniform } from '../random';

export interface RowSet {
  /** [rows, columns] row-major float32, NaN where a value is missing. */
  readonly features: Float32Array;
  readonly targets: Float32Array;
  readonly columns: number;
}

export const FILES = { features: 'x.f32', targets: 'y.f32' } as const;

export const writeSet = (folder: string, { features, targets }: RowSet): void => {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, FILES.features), features);
  writeFileSync(join(folder, FILES.targets), targets);
};

export const readSet = (folder: string): RowSet => {
  const floats = (name: string): Float32Array => {
    const bytes = readFileSync(join(folder, name));
    return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  };
  const [features, targets] = [floats(FILES.features), floats(FILES.targets)];
  return { features, targets, columns: features.length / targets.length };
};

/** Normal columns; curves, steps and products of seven of them, and as much noise. */
export const generated = (rows: number, columns: number, stream: number): RowSet => {
  const key = randomKey(2026, stream);
  const features = new Float32Array(rows * columns);
  for (let at = 0; at < features.length; at++) features[at] = randomNormal(key, at);
  const targets = Float32Array.from({ length: rows }, (_, row) => {
    const x = (column: number): number => features[row * columns + column];
    return (
      Math.sin(2 * x(0)) +
      0.8 * x(1) +
      0.5 * Math.abs(x(2)) +
      (x(3) > 0.5 ? 0.7 : 0) +
      0.4 * x(4) * x(4) +
      0.5 * x(5) * Math.max(0, x(6) + 1) +
      randomNormal(key, -1 - row)
    );
  });
  return { features, targets, columns };
};

/** California housing, prices in 100,000 USD, the category as a code: 16,512 rows to learn from, 4,128 to be judged by. */
export const housing = (): { readonly training: RowSet; readonly test: RowSet } => {
  const file = resolve(__dirname, '../../../../shared/data/california_housing.csv');
  if (!existsSync(file)) throw new Error(`${file} is not here`);
  const lines = readFileSync(file, 'utf8').trim().split('\n').slice(1);
  const rows = shuffled(
    lines.map((line) => line.split(',')),
    uniform(2026, 31),
  );
  const places = [...new Set(rows.map((cells) => cells[9]))].sort();
  const numbers = (cells: readonly string[]): number[] => [
    ...cells.slice(0, 8).map((cell) => (cell === '' ? NaN : Number(cell))),
    places.indexOf(cells[9] ?? ''),
  ];
  const setOf = (part: readonly (readonly string[])[]): RowSet => ({
    features: Float32Array.from(part.flatMap(numbers)),
    targets: Float32Array.from(part, (cells) => Number(cells[8]) / 100_000),
    columns: 9,
  });
  const training = Math.round(rows.length * 0.8);
  return { training: setOf(rows.slice(0, training)), test: setOf(rows.slice(training)) };
};
