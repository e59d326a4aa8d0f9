/** Files of the data folder in the shape that a tenant would upload, made in a folder of the benchmark's own. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { encodeImage, splitRecord } from '../../tabular';
import { zipOf } from './zip';

export const DATA = resolve(__dirname, '../../../../shared/data');

/** Path of the upload. */
export type Source = (folder: string) => string;

export const csv =
  (name: string): Source =>
  () =>
    join(DATA, `${name}.csv`);

export const zip =
  (name: string): Source =>
  () =>
    join(DATA, `${name}.zip`);

/** Cells are changed row by row; a header comes first. Undefined leaves a row out. */
const changed =
  (
    name: string,
    change: (cells: string[], header: readonly string[]) => string[] | undefined,
    header: (names: string[]) => string[],
  ): Source =>
  (folder) => {
    const [first = '', ...lines] = readFileSync(join(DATA, `${name}.csv`), 'utf8')
      .trim()
      .split(/\r?\n/);
    const names = splitRecord(first, ',');
    const rows = lines.flatMap((line) => {
      const cells = change(splitRecord(line, ','), names);
      return cells === undefined ? [] : [cells.map(quoted).join(',')];
    });
    const path = join(folder, `${name}.csv`);
    writeFileSync(path, `${header(names).map(quoted).join(',')}\n${rows.join('\n')}\n`);
    return path;
  };

const quoted = (cell: string): string => (/[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);

/** The engines' runs with a column more, made of the cycles that remain. */
const cmapssWith =
  (name: string, of: (remaining: number) => string): Source =>
  (folder) => {
    const text = readFileSync(join(DATA, 'cmapss_fd001_train.csv'), 'utf8').trim();
    const last = new Map<string, number>();
    for (const line of text.split('\n').slice(1)) {
      const [unit = '', cycle] = line.split(',');
      last.set(unit, Math.max(last.get(unit) ?? 0, Number(cycle)));
    }
    return changed(
      'cmapss_fd001_train',
      (cells) => {
        const [unit = '', cycle] = cells;
        return [...cells, of((last.get(unit) ?? 0) - Number(cycle))];
      },
      (names) => [...names, name],
    )(folder);
  };

/** Remaining cycles of each engine, capped at 125 as the literature does. */
export const cmapss = cmapssWith('rul', (remaining) => String(Math.min(125, remaining)));
export const cmapssFailing = cmapssWith('failing', (remaining) => (remaining <= 30 ? 'yes' : 'no'));

/** Where from and where to in words, in place of two columns of places. */
export const taxisWithJourney: Source = changed(
  'nyc_taxis_sample',
  (cells, names) => {
    const of = (name: string): string => cells[names.indexOf(name)] ?? '';
    const journey = `from ${of('pickup_zone')} to ${of('dropoff_zone')} by ${of('color')} cab`;
    return [...cells.filter((_, i) => !/_zone$/.test(names[i] ?? '')), journey];
  },
  (names) => [...names.filter((name) => !/_zone$/.test(name)), 'journey'],
);

/** One column with the kind of fault in place of seven. */
export const steelPlates: Source = changed(
  'steel_plates_faults',
  (cells, names) => {
    const at = cells.findIndex((cell, i) => /_Faults?$/.test(names[i] ?? '') && cell === '1');
    return [...cells.filter((_, i) => !/_Faults?$/.test(names[i] ?? '')), names[at] ?? ''];
  },
  (names) => [...names.filter((name) => !/_Faults?$/.test(name)), 'fault'],
);

/** The digits as PNG files in folders. */
export const mnist: Source = (folder) => {
  const images = gunzipSync(readFileSync(join(DATA, 'mnist_t10k-images-idx3-ubyte.gz')));
  const labels = gunzipSync(readFileSync(join(DATA, 'mnist_t10k-labels-idx1-ubyte.gz'))).subarray(8);
  const size = { height: 28, width: 28, channels: 1 } as const;
  const files = Object.fromEntries(
    Array.from(labels, (label, at) => [
      `${label}/${String(at).padStart(5, '0')}.png`,
      encodeImage(images.subarray(16 + at * 784, 16 + (at + 1) * 784), size),
    ]),
  );
  const path = join(folder, 'mnist.zip');
  writeFileSync(path, zipOf(files));
  return path;
};

/** The tiles with a table beside them, a line for each of the index. */
const tilesWith =
  (cells: (index: readonly string[], at: number) => string[]): Source =>
  (folder) => {
    const index = readFileSync(join(DATA, 'magnetic_tile_96_index.csv'), 'utf8').trim().split(/\r?\n/);
    const lines = index.map((line, at) => cells(splitRecord(line, ','), at).map(quoted).join(','));
    const path = join(folder, 'tiles.zip');
    writeFileSync(
      path,
      withFile(readFileSync(join(DATA, 'magnetic_tile_96.zip')), 'index.csv', `${lines.join('\n')}\n`),
    );
    return path;
  };

/** Width and height of the photograph that each was made of. */
export const tilesWithTable = tilesWith(([file = '', label = '', , width = '', height = '']) => [
  ...[file, label, width, height],
]);

/** And where it came from in words. */
export const tilesWithTableAndText = tilesWith(
  ([file = '', label = '', source = '', width = '', height = ''], at) => {
    const [, part = '', , number = ''] = /(exp\d+)_(num)_(\d+)/.exec(source) ?? [];
    const text = `experiment ${part.slice(3)}, photograph ${number} of ${width} by ${height} points`;
    return [file, label, width, height, at === 0 ? 'origin' : text];
  },
);

/** A zip made of another one and one file more: local entries stay as they are, the directory grows by an entry. */
const withFile = (bytes: Buffer, name: string, content: string): Buffer => {
  const end = bytes.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
  const [count, size, start] = [
    bytes.readUInt16LE(end + 10),
    bytes.readUInt32LE(end + 12),
    bytes.readUInt32LE(end + 16),
  ];
  const added = zipOf({ [name]: content });
  const addedEnd = added.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
  const addedStart = added.readUInt32LE(addedEnd + 16);
  const entry = Buffer.from(added.subarray(addedStart, addedEnd));
  entry.writeUInt32LE(start, 42);
  const tail = Buffer.from(bytes.subarray(end));
  tail.writeUInt16LE(count + 1, 8);
  tail.writeUInt16LE(count + 1, 10);
  tail.writeUInt32LE(size + entry.length, 12);
  tail.writeUInt32LE(start + addedStart, 16);
  return Buffer.concat([
    bytes.subarray(0, start),
    added.subarray(0, addedStart),
    bytes.subarray(start, start + size),
    entry,
    tail,
  ]);
};
