import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { Failure } from '../../contracts';
import { LIMITS } from '../../tabular';
import { EncodingCheck } from './encoding';
import { checkedNames } from './scan';

const LF = 0x0a;
const BOM = '\ufeff';

const cell = (text: string): string => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/**
 * Lines with their numbers, blank ones left out. Bytes are checked and lines longer than the limit are refused before they
 * are held as text; only a line feed ends a line, since U+2028 may stand inside JSON text.
 */
export const jsonLines = async function* (path: string): AsyncGenerator<readonly [string, number]> {
  const encoding = new EncodingCheck();
  let parts: Buffer[] = [];
  let length = 0;
  let number = 1;
  const take = (piece: Buffer): string => {
    const text = Buffer.concat([...parts, piece]).toString('utf8');
    parts = [];
    length = 0;
    return (number === 1 ? text.replace(BOM, '') : text).trim();
  };
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>) {
    encoding.feed(chunk, () => `line ${number}`);
    let start = 0;
    for (let end = chunk.indexOf(LF); end !== -1; end = chunk.indexOf(LF, start)) {
      const line = take(chunk.subarray(start, end));
      if (line !== '') yield [line, number];
      number++;
      start = end + 1;
    }
    parts.push(chunk.subarray(start));
    length += chunk.length - start;
    if (length > LIMITS.lineBytes) {
      throw new Failure('LINE_TOO_LONG', `line ${number} is longer than ${LIMITS.lineBytes} bytes`, {
        hint: 'JSON lines hold one object a line',
      });
    }
  }
  encoding.end();
  const last = take(Buffer.alloc(0));
  if (last !== '') yield [last, number];
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
  for await (const [line, number] of jsonLines(path)) {
    for (const name of flat(line, number).keys()) names.add(name);
    if (names.size > LIMITS.columns) checkedNames([...names]);
  }
  if (names.size === 0) throw new Failure('NO_ROWS', 'the file has no rows');
  const keys = [...names];
  const header = checkedNames(keys);
  const out = createWriteStream(csv);
  const write = async (text: string): Promise<void> => {
    if (!out.write(text)) await once(out, 'drain');
  };
  await write(`${header.map(cell).join(',')}\n`);
  for await (const [line, number] of jsonLines(path)) {
    const row = flat(line, number);
    await write(`${keys.map((name) => cell(row.get(name) ?? '')).join(',')}\n`);
  }
  out.end();
  await once(out, 'finish');
};
