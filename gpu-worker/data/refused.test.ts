/** Every refusal of docs/errors.md that a file can earn: its code, and nothing in the store. */
import { Failure } from '../../contracts';
import type { FailureCode, ProfilePayload } from '../../contracts';
import { LIMITS } from '../../tabular';
import { profileBytes } from './testing/profile-file';

const rows = (count: number, row: (at: number) => string): string =>
  Array.from({ length: count }, (_, at) => row(at)).join('\n');
const table = (header: string, row: (at: number) => string, count = 40): string =>
  `${header}\n${rows(count, row)}\n`;

interface Case {
  readonly name: string;
  readonly bytes: () => string | Uint8Array;
  readonly code: FailureCode;
  readonly says: RegExp;
  readonly with?: Partial<ProfilePayload>;
  readonly target?: string;
}

const CASES: readonly Case[] = [
  { name: 'an empty file', bytes: () => '', code: 'EMPTY_FILE', says: /empty/ },
  { name: 'a header and no rows', bytes: () => 'a,y\n', code: 'NO_ROWS', says: /no rows/ },
  { name: 'one column', bytes: () => table('y', (i) => `${i}`), code: 'TOO_FEW_COLUMNS', says: /one column/ },
  {
    name: 'a target that is not there',
    bytes: () => table('a,b', (i) => `${i},${i}`),
    code: 'TARGET_MISSING',
    says: /no column "y"/,
  },
  {
    name: 'a constant target',
    bytes: () => table('a,y', (i) => `${i},7`),
    code: 'TARGET_CONSTANT',
    says: /same value/,
  },
  {
    name: 'a target without a value',
    bytes: () => table('a,y', (i) => `${i},`),
    code: 'TARGET_EMPTY',
    says: /no value/,
  },
  {
    name: 'a target of tokens for missing',
    bytes: () => table('a,y', (i) => `${i},?`),
    code: 'TARGET_EMPTY',
    says: /no readable value/,
  },
  {
    name: 'a text target for a regression',
    bytes: () => table('a,y', (i) => `${i},v${i % 3}`),
    code: 'TARGET_NOT_NUMERIC',
    says: /not a number/,
    with: { task: 'regression' },
  },
  {
    name: 'a target with too many classes',
    bytes: () => table('a,y', (i) => `${i},name ${i}`, 3000),
    code: 'TARGET_TOO_MANY_CLASSES',
    says: /1000 classes/,
  },
  {
    name: 'too few rows',
    bytes: () => table('a,y', (i) => `${i},${i * 1.5}`, 5),
    code: 'TOO_FEW_ROWS',
    says: /at least 20/,
  },
  {
    name: 'two rows in all',
    bytes: () => table('a,y', (i) => `${i},${i * 1.5}`, 2),
    code: 'TOO_FEW_ROWS',
    says: /at least 20/,
  },
  {
    name: 'two columns of one name',
    bytes: () => table('a,a,y', (i) => `${i},1,${i}`),
    code: 'DUPLICATE_COLUMN',
    says: /"a" stands twice/,
  },
  {
    name: 'a column without a name',
    bytes: () => table('a,,y', (i) => `${i},1,${i}`),
    code: 'BAD_INPUT',
    says: /column 2 has no name/,
  },
  {
    name: '10,000 columns',
    bytes: () => `${Array.from({ length: 10_000 }, (_, i) => `c${i}`).join(',')}\n1\n`,
    code: 'TOO_MANY_COLUMNS',
    says: /10000 columns; at most 2000/,
  },
  {
    name: 'a line of 100 MB',
    bytes: () => Buffer.alloc(100 * 1024 * 1024, 'a'),
    code: 'LINE_TOO_LONG',
    says: /line 1 /,
  },
  {
    name: 'a line of 100 MB after a header',
    bytes: () => Buffer.concat([Buffer.from('a,y\n'), Buffer.alloc(100 * 1024 * 1024, '1,')]),
    code: 'LINE_TOO_LONG',
    says: /line 2 /,
  },
  {
    name: 'a cell over the limit',
    bytes: () => `a,y\n"${'x'.repeat(LIMITS.cellBytes + 10)}",1\n`,
    code: 'CELL_TOO_LARGE',
    says: /line 2, cell 1/,
  },
  {
    name: 'bytes that are not UTF-8',
    bytes: () => Buffer.concat([Buffer.from('a,y\n1,2\n'), Buffer.from([0xc3, 0x28]), Buffer.from(',3\n')]),
    code: 'INVALID_ENCODING',
    says: /not UTF-8/,
  },
  {
    name: 'UTF-16',
    bytes: () => Buffer.from('\ufeffa,y\n1,2\n', 'utf16le'),
    code: 'INVALID_ENCODING',
    says: /UTF-16/,
  },
  {
    name: 'a zip that is named .csv',
    bytes: () => Buffer.from('504b0304140000000800', 'hex'),
    code: 'UNKNOWN_FORMAT',
    says: /zip archive/,
  },
  {
    name: 'a file that is no Parquet',
    bytes: () => table('a,y', (i) => `${i},${i}`),
    code: 'UNKNOWN_FORMAT',
    says: /declared as parquet/,
    with: { format: 'parquet' },
  },
  {
    name: 'damaged Parquet',
    bytes: () => Buffer.from('PAR1 nothing that follows PAR1'),
    code: 'UNKNOWN_FORMAT',
    says: /could not be read/,
    with: { format: 'parquet' },
  },
  {
    name: 'rows of unequal length',
    bytes: () => 'a,b,y\n1,2,3\n1,2\n',
    code: 'RAGGED_ROWS',
    says: /line 3 has 2 cells, the header has 3/,
  },
  {
    name: 'a quote that never closes',
    bytes: () => 'a,y\n"1,2\n3,4\n',
    code: 'RAGGED_ROWS',
    says: /line 2 is never closed/,
  },
  {
    name: 'NaN',
    bytes: () => table('a,y', (i) => `${i === 3 ? 'NaN' : i},${i * 2.5}`),
    code: 'NOT_FINITE',
    says: /column "a", row 4/,
  },
  {
    name: 'Infinity',
    bytes: () => table('a,y', (i) => `${i === 3 ? '-Infinity' : i},${i * 2.5}`),
    code: 'NOT_FINITE',
    says: /Infinity/,
  },
  {
    name: 'a number beyond double',
    bytes: () => table('a,y', (i) => `${i === 3 ? '1e400' : i},${i * 2.5}`),
    code: 'NOT_FINITE',
    says: /1.8e308/,
  },
  {
    name: 'an integer beyond 2^53',
    bytes: () => table('a,y', (i) => `${i === 3 ? '9007199254740993' : i},${i * 2.5}`),
    code: 'NUMBER_OUT_OF_RANGE',
    says: /2\^53/,
  },
  {
    name: 'nested JSON lines',
    bytes: () => '{"a":{"b":1},"y":2}\n',
    code: 'UNKNOWN_FORMAT',
    says: /line 1: "a" is nested/,
    with: { format: 'jsonl' },
  },
  {
    name: 'JSON lines that are not UTF-8',
    bytes: () => Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff]), Buffer.from('","y":1}\n')]),
    code: 'INVALID_ENCODING',
    says: /line 1/,
    with: { format: 'jsonl' },
  },
  {
    name: 'JSON lines with a line of 8 MB',
    bytes: () => `{"a":1,"y":2}\n{"a":"${'x'.repeat(8 * 1024 * 1024)}`,
    code: 'LINE_TOO_LONG',
    says: /line 2/,
    with: { format: 'jsonl' },
  },
  {
    name: 'JSON lines that are not JSON',
    bytes: () => '{"a":1,"y":2}\na,b\n',
    code: 'UNKNOWN_FORMAT',
    says: /line 2 is not JSON/,
    with: { format: 'jsonl' },
  },
];

describe('a file that cannot be a dataset', () => {
  it.each(CASES.map((one) => [one.name, one] as const))('%s', async (_name, one) => {
    const failure = await profileBytes(one.bytes(), one.target ?? 'y', one.with).then(
      () => null,
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(Failure);
    const { code, message } = failure as Failure;
    expect(code).toBe(one.code);
    expect(message).toMatch(one.says);
  });

  it('refuses a line of 100 MB with less than 200 MB more memory', async () => {
    const bytes = Buffer.alloc(100 * 1024 * 1024, 'a');
    const before = process.memoryUsage().rss;
    await expect(profileBytes(bytes)).rejects.toMatchObject({ code: 'LINE_TOO_LONG' });
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 * 1024);
  });
});

describe('a file that is dirty and fine', () => {
  it('reads what people write', async () => {
    const lines = Array.from({ length: 60 }, (_, i) => {
      const price = i % 3 === 0 ? `"1,${String(200 + i)}"` : String(900 + i);
      const city = ['Paris', ' paris', 'Paris', 'Rome'][i % 4];
      const note = i === 5 ? '"said ""yes"", then\nleft"' : `n${i % 7}`;
      return `${i % 10 === 0 ? '?' : i},${city},${price},${i % 28 === 0 ? '' : `${(i % 28) + 1}.02.2024 08:30`},${note}`;
    });
    const { result, table: sealed } = await profileBytes(
      `\ufeffarea,city,price,sold,note\r\n${lines.join('\r\n')}\r\n`,
      'price',
    );
    expect(result.columns.map((column) => column.type)).toEqual([
      'number',
      'category',
      'number',
      'time',
      'category',
    ]);
    expect(result.profile.map((column) => column.missing)).toEqual([6, 0, 0, 3, 0]);
    expect(result.rows).toBe(60);
    const [area, city, price, sold, note] = sealed.columns;
    expect(area?.kind === 'number' && Number.isNaN(area.values[0])).toBe(true);
    expect(city?.kind === 'category' && [...city.dictionary].sort()).toEqual(['Paris', 'Rome']);
    expect(price?.kind === 'number' && [price.values[0], price.values[1]]).toEqual([1200, 901]);
    expect(sold?.kind === 'time' && sold.values[1]).toBe(Date.UTC(2024, 1, 2, 8, 30) * 1000);
    expect(note?.kind === 'category' && note.dictionary.includes('said "yes", then left')).toBe(true);
  });

  it('gives the same sealed bytes and the same split for the same file', async () => {
    const file = table('a,b,y', (i) => `${i},g${i % 3},${Math.sin(i)}`, 500);
    const [one, two] = [await profileBytes(file), await profileBytes(file)];
    expect(two.result.sealed.sha256).toBe(one.result.sealed.sha256);
    expect(two.table.holdout).toEqual(one.table.holdout);
  });

  it('keeps equal inputs on one side of the split', async () => {
    const { table: sealed } = await profileBytes(table('a,y', (i) => `${i % 50},${i * 0.5}`, 400));
    const [a] = sealed.columns;
    if (a?.kind !== 'number') throw new Error('a is a number column');
    const side = new Map<number, number>();
    sealed.holdout.forEach((held, row) => {
      const value = a.values[row];
      expect(side.get(value) ?? held).toBe(held);
      side.set(value, held);
    });
    expect(new Set(side.values())).toEqual(new Set([0, 1]));
  });

  it('keeps the beginning of a text cell of 1 MB', async () => {
    const note = (i: number): string =>
      i === 7
        ? 'lorem ipsum '.repeat(LIMITS.cellBytes / 12)
        : `${i % 2 ? 'lorem' : 'dolor'} sit amet number ${i}`;
    const { table: sealed } = await profileBytes(
      table('note,a,y', (i) => `${note(i)},${i % 9},${i * 0.5}`, 400),
    );
    const [column] = sealed.columns;
    if (!('codes' in column)) throw new Error('note is a text');
    const lengths = column.dictionary.map((text) => text.length);
    expect(column.kind).toBe('text');
    expect(Math.max(...lengths)).toBe(LIMITS.textCharacters);
  });

  it('leaves a text with as many values as rows out of training, and says so', async () => {
    const { result } = await profileBytes(table('code,a,y', (i) => `x-${i * 7919},${i % 9},${i * 0.5}`, 200));
    expect(result.columns[0]?.type).toBe('text');
    expect(result.warnings).toContainEqual(
      expect.objectContaining({ code: 'IDENTIFIER_COLUMN', column: 'code' }),
    );
  });

  it.each(['tsv', 'jsonl', 'csv'] as const)('reads %s', async (format) => {
    const values = Array.from({ length: 40 }, (_, i) => ({ a: i, g: `g${i % 2}`, y: i * 1.5 }));
    const file =
      format === 'jsonl'
        ? values.map((value) => JSON.stringify(value)).join('\n')
        : [['a', 'g', 'y'], ...values.map((value) => Object.values(value))]
            .map((row) => row.join(format === 'tsv' ? '\t' : ';'))
            .join('\n');
    const { result } = await profileBytes(file, 'y', { format });
    expect(result.columns.map(({ name, type }) => `${name}:${type}`)).toEqual([
      'a:number',
      'g:category',
      'y:number',
    ]);
    expect(result.task).toBe('regression');
  });
});
