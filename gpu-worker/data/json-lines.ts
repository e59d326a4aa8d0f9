import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { Failure } from '../../contracts';
import { LIMITS } from '../../tabular';
import { checkedNames } from './scan';

const cell = (text: string): string => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** Lines longer than the limit are refused before they are held in memory as a whole. */
const lines = async function* (path: string): AsyncGenerator<string> {
  let length = 0;
  const input = createReadStream(path, { highWaterMark: 1024 * 1024 });
  input.on('data', (chunk) => {
    const bytes = chunk as Buffer;
    const last = bytes.lastIndexOf(0x0a);
    length = last === -1 ? length + bytes.length : bytes.length - last;
    if (length > LIMITS.lineBytes)
      input.destroy(new Failure('LINE_TOO_LONG', `a line is longer than ${LIMITS.lineBytes} bytes`));
  });
  yield* createInterface({ input, crlfDelay: Infinity });
};

const flat = (line: string, number: number): Map<string, string> => {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new Failure('UNKNOWN_FORMAT', `line ${number} is not JSON`, {
      hint: 'one JSON object a line',
      cause,
    });
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new Failure('UNKNOWN_FORMAT', `line ${number} is not a JSON object`, {
      hint: 'one JSON object a line',
    });
  }
  const row = new Map<string, string>();
  for (const [name, inner] of Object.entries(value)) {
    if (inner !== null && typeof inner === 'object') {
      throw new Failure('UNKNOWN_FORMAT', `line ${number}: ${JSON.stringify(name)} is nested`, {
        path: [name],
        hint: 'values must be text, numbers, booleans or null',
      });
    }
    row.set(name, inner === null ? '' : String(inner));
  }
  return row;
};

/** JSON lines become a CSV with the union of all keys, in order of first appearance, so that one path reads everything. */
export const jsonLinesToCsv = async (path: string, csv: string): Promise<void> => {
  const names = new Set<string>();
  let number = 0;
  for await (const line of lines(path)) {
    number++;
    if (line.trim() === '') continue;
    for (const name of flat(line.replace('\ufeff', ''), number).keys()) names.add(name);
    if (names.size > LIMITS.columns) checkedNames([...names]);
  }
  if (names.size === 0) throw new Failure('NO_ROWS', 'the file has no rows');
  const header = checkedNames([...names]);
  const out = createWriteStream(csv);
  const write = async (text: string): Promise<void> => {
    if (!out.write(text)) await once(out, 'drain');
  };
  await write(`${header.map(cell).join(',')}\n`);
  const keys = [...names];
  number = 0;
  for await (const line of lines(path)) {
    number++;
    if (line.trim() === '') continue;
    const row = flat(line.replace('\ufeff', ''), number);
    await write(`${keys.map((name) => cell(row.get(name) ?? '')).join(',')}\n`);
  }
  out.end();
  await once(out, 'finish');
};
