import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Sha256, Source } from '../contracts';
import { FileStore } from './testing/file-store';
import { download, upload } from './transfer';

const BYTES = Buffer.from('0123456789'.repeat(50_000));
const sha256 = createHash('sha256').update(BYTES).digest('hex') as Sha256;

describe('files by signed URL', () => {
  let files: FileStore;
  let folder: string;
  const { signal } = new AbortController();
  const source = (): Source => ({ url: files.url('data'), sha256, sizeBytes: BYTES.length });

  beforeEach(async () => {
    files = await FileStore.start();
    files.files.set('data', BYTES);
    folder = await mkdtemp(join(tmpdir(), 'mm-transfer-'));
  });
  afterEach(async () => {
    await files.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('downloads and checks a file, through broken connections and a busy store', async () => {
    files.faults.push('reset', 'cut', 'unavailable');
    await download(source(), join(folder, 'data'), signal);
    expect((await readFile(join(folder, 'data'))).equals(BYTES)).toBe(true);
    expect(await readdir(folder)).toEqual(['data']);
  });

  it.each([
    ['sha-256', { sha256: 'a'.repeat(64) as Sha256 }],
    ['size', { sizeBytes: BYTES.length - 1 }],
    ['size', { sizeBytes: BYTES.length + 1 }],
  ])('refuses a file of another %s and leaves nothing', async (what, differs) => {
    const failure = download({ ...source(), ...differs }, join(folder, 'data'), signal);
    await expect(failure).rejects.toMatchObject({ code: 'DATASET_CHANGED' });
    await expect(failure).rejects.toThrow(what);
    expect(existsSync(join(folder, 'data'))).toBe(false);
    expect(await readdir(folder)).toEqual([]);
  });

  it('takes a file whose size and hash nobody recorded', async () => {
    await download({ url: files.url('data'), sha256: null, sizeBytes: null }, join(folder, 'data'), signal);
    expect((await readFile(join(folder, 'data'))).length).toBe(BYTES.length);
  });

  it('does not ask twice when a link is refused, and does not show the link', async () => {
    files.faults.push('forbidden');
    const failure = download(source(), join(folder, 'data'), signal);
    await expect(failure).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(failure).rejects.not.toThrow('http://');
    expect(files.faults).toEqual([]);
  });

  it.each(['path', 'bytes'])(
    'uploads %s with length and hash, again after a broken connection',
    async (from) => {
      const path = join(folder, 'out');
      await writeFile(path, BYTES);
      files.faults.push('reset', 'unavailable');
      const sink = { url: files.url('out'), key: 'out' };
      const stored = await upload(sink, from === 'path' ? { path } : { bytes: BYTES }, signal);
      expect(stored).toEqual({ key: 'out', sha256, sizeBytes: BYTES.length });
      expect(files.puts).toEqual([{ name: 'out', sha256, length: String(BYTES.length) }]);
      expect(files.files.get('out')?.equals(BYTES)).toBe(true);
    },
  );

  it('stops when the task is aborted', async () => {
    const abort = new AbortController();
    files.faults.push(...Array.from({ length: 6 }, () => 'unavailable' as const));
    const running = download(source(), join(folder, 'data'), abort.signal);
    setTimeout(() => abort.abort(new Error('canceled')), 50);
    await expect(running).rejects.toThrow();
    expect(files.faults.length).toBeGreaterThan(3);
  });
});
