/** Feedback becomes rows of a new version: parsed as the file was, and never on the wrong side of the split. */
import { createHash } from 'node:crypto';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MergePayload, MergeResult, ProfilePayload, ProfileResult, Sha256 } from '../../contracts';
import type { TaskIo } from '../task-io';
import { readSealed, runMerge, runProfile } from '.';
import type { Table } from '.';

const folders: string[] = [];
const folder = async (): Promise<string> => {
  const made = await mkdtemp(join(tmpdir(), 'modelmint-merge-'));
  folders.push(made);
  return made;
};
afterAll(() => Promise.all(folders.map((made) => rm(made, { recursive: true }))));

const ioFor = async (stored: string): Promise<TaskIo> => {
  const scratchDir = await folder();
  return {
    scratchDir,
    signal: new AbortController().signal,
    fetch: async (source, name) => {
      await copyFile(source.url, join(scratchDir, name));
      return join(scratchDir, name);
    },
    store: async (sink, content) => {
      const bytes = 'path' in content ? await readFile(content.path) : content.bytes;
      await writeFile(stored, bytes);
      const sha256 = createHash('sha256').update(bytes).digest('hex') as Sha256;
      return { key: sink.key, sha256, sizeBytes: bytes.length };
    },
    progress: () => undefined,
  };
};

const sealFile = async (
  text: string,
  target: string,
  overrides: Partial<ProfilePayload> = {},
): Promise<{ result: ProfileResult; path: string }> => {
  const home = await folder();
  const [upload, path] = [join(home, 'upload.csv'), join(home, 'sealed.parquet')];
  await writeFile(upload, text);
  const payload = {
    kind: 'profile',
    datasetVersionId: '019a0000-0000-7000-8000-000000000001',
    source: { url: upload, sha256: null, sizeBytes: null },
    format: 'csv',
    target,
    task: null,
    holdout: null,
    holdoutFraction: 0.2,
    salt: 'salt',
    sealed: { url: 'sealed', key: 'sealed' },
    ...overrides,
  } as unknown as ProfilePayload;
  return { result: await runProfile(payload, await ioFor(path)), path };
};

interface Feedback {
  readonly values: Readonly<Record<string, string | number | null>>;
  readonly actual: string | number | null;
}

const merge = async (
  base: { result: ProfileResult; path: string },
  target: string,
  feedback: readonly Feedback[],
): Promise<{ result: MergeResult; table: Table }> => {
  const home = await folder();
  const [lines, path] = [join(home, 'feedback.jsonl'), join(home, 'merged.parquet')];
  await writeFile(lines, feedback.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const payload = {
    kind: 'merge',
    datasetVersionId: '019a0000-0000-7000-8000-000000000002',
    base: { url: base.path, sha256: null, sizeBytes: null },
    columns: base.result.columns,
    target,
    task: base.result.task,
    holdout: base.result.holdout,
    feedback: { url: lines, sha256: null, sizeBytes: null },
    sealed: { url: 'sealed', key: 'sealed' },
  } as unknown as MergePayload;
  const result = await runMerge(payload, await ioFor(path));
  return { result, table: await readSealed(path, base.result.columns) };
};

const ROWS = 300;
const KINDS = ['Oak', 'Pine', 'Fir'];
const row = (at: number): { size: number; kind: string; y: number } => ({
  size: at * 0.5,
  kind: KINDS[at % 3],
  y: at * 1.5 + (at % 7),
});
const file = `id,size,kind,y\n${Array.from({ length: ROWS }, (_, at) => {
  const { size, kind, y } = row(at);
  return `${at + 1},"${(1000 + size).toLocaleString('en-US')}",${kind},${y}`;
}).join('\n')}\n`;

it('keeps every old row on its side and parses feedback as the file was parsed', async () => {
  const base = await sealFile(file, 'y');
  const before = await readSealed(base.path, base.result.columns);
  const { result, table } = await merge(base, 'y', [
    { values: { size: '9,999.5', kind: ' OAK ' }, actual: '77' },
    { values: { size: 5000, kind: null }, actual: 78.5 },
    { values: { size: 5000, kind: 'Oak' }, actual: 'not a number' },
    { values: { size: 5000, kind: 'Oak' }, actual: null },
  ]);
  expect(result).toMatchObject({ addedRows: 2, rows: ROWS + 2 });
  expect([...table.holdout.subarray(0, ROWS)]).toEqual([...before.holdout]);
  const [, size, kind, y] = table.columns;
  if (size.kind !== 'number' || kind.kind !== 'category' || y.kind !== 'number')
    throw new Error('the columns changed their types');
  expect([...size.values.subarray(ROWS)]).toEqual([9999.5, 5000]);
  expect([...kind.codes.subarray(ROWS)].map((code) => kind.dictionary[code])).toEqual(['Oak', undefined]);
  expect([...y.values.subarray(ROWS)]).toEqual([77, 78.5]);
});

it('never lets feedback about a held-out row into training, though predictions lack the identifier', async () => {
  const base = await sealFile(file, 'y');
  const before = await readSealed(base.path, base.result.columns);
  expect(base.result.warnings).toContainEqual(
    expect.objectContaining({ code: 'IDENTIFIER_COLUMN', column: 'id' }),
  );
  const held = [...before.holdout.keys()].filter((at) => before.holdout[at] === 1);
  expect(held.length).toBeGreaterThan(20);
  const { table } = await merge(
    base,
    'y',
    held.map((at) => ({ values: { size: 1000 + row(at).size, kind: row(at).kind }, actual: row(at).y })),
  );
  expect([...table.holdout.subarray(ROWS)]).toEqual(held.map(() => 1));
});

it('holds out feedback about a held-out group, and learns from what names none', async () => {
  const text = `unit,x,y\n${Array.from({ length: 200 }, (_, at) => `u${at % 20},${at * 1.1},${at}`).join('\n')}\n`;
  const base = await sealFile(text, 'y', { holdoutGroup: 'unit' });
  const before = await readSealed(base.path, base.result.columns);
  const sides = Array.from({ length: 20 }, (_, at) => before.holdout[at]);
  expect(new Set(sides)).toEqual(new Set([0, 1]));
  const { table } = await merge(base, 'y', [
    ...sides.map((_, at) => ({ values: { unit: `U${at}`, x: 1000 + at }, actual: at })),
    { values: { unit: null, x: 2000 }, actual: 1 },
  ]);
  expect([...table.holdout.subarray(200)]).toEqual([...sides, 0]);
});

it('gives a class the spelling that the data has', async () => {
  const text = `x,y\n${Array.from({ length: 60 }, (_, at) => `${at * 1.1},${at % 2}.0`).join('\n')}\n`;
  const base = await sealFile(text, 'y');
  const { table } = await merge(base, 'y', [
    { values: { x: 3 }, actual: 1 },
    { values: { x: 4 }, actual: '0' },
  ]);
  const target = table.columns[1];
  if (target.kind !== 'category') throw new Error('the target is a class');
  expect([...target.codes.subarray(60)].map((code) => target.dictionary[code])).toEqual(['1.0', '0.0']);
});

it('refuses feedback without a usable outcome', async () => {
  const base = await sealFile(file, 'y');
  await expect(merge(base, 'y', [{ values: { size: 1 }, actual: null }])).rejects.toMatchObject({
    code: 'NO_ROWS',
  });
});
