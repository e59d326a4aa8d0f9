import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import * as fc from 'fast-check';
import S3rver from 's3rver';
import type { Sha256, TenantId } from '../../../contracts';
import { newId } from '../ids';
import { mintKey, objectKey } from './key';
import type { ObjectKey } from './key';
import type { ObjectStore } from './object-store';
import { openObjectStore } from './open';

const sha = (bytes: Buffer): Sha256 => createHash('sha256').update(bytes).digest('hex') as Sha256;
const tenant = newId<TenantId>();
const neighbour = newId<TenantId>();
const cutOff = (bytes: Buffer): Readable =>
  Readable.from(
    (async function* () {
      yield bytes;
      throw new Error('aborted');
    })(),
  );

describe.each(['file:', 's3:'])('the %s driver', (scheme) => {
  let folder: string;
  let store: ObjectStore;
  let stopServer = async (): Promise<void> => undefined;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mm-objects-'));
    if (scheme === 'file:') {
      store = await openObjectStore(pathToFileURL(join(folder, 'objects')).href);
      return;
    }
    const server = new S3rver({
      address: '127.0.0.1',
      port: 0,
      silent: true,
      directory: folder,
      resetOnClose: false,
      configureBuckets: [{ name: 'modelmint', configs: [] }],
    });
    await server.configureBuckets();
    const http = await server.run();
    stopServer = () => server.close();
    store = await openObjectStore(
      `s3://modelmint?endpoint=${encodeURIComponent(`http://127.0.0.1:${http.port}`)}&region=us-east-1&pathStyle=true`,
      { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' },
    );
  });
  afterAll(async () => {
    await store.close();
    await stopServer();
    await rm(folder, { recursive: true, force: true });
  });

  it('gives back what was put, with its sha-256 and size', async () => {
    const bytes = randomBytes(300_000);
    const key = mintKey(tenant, 'upload');
    await expect(store.put(key, Readable.from([bytes]), { maxBytes: 300_000 })).resolves.toEqual({
      sha256: sha(bytes),
      sizeBytes: 300_000,
    });
    await expect(store.head(key)).resolves.toEqual({ sizeBytes: 300_000 });
    expect(sha(await buffer(await store.get(key)))).toBe(sha(bytes));
    await store.delete(key);
    await store.delete(key);
    await expect(store.head(key)).resolves.toBeNull();
    await expect(store.get(key)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('streams many parts', async () => {
    const part = randomBytes(1024 * 1024);
    const key = mintKey(tenant, 'upload');
    const stored = await store.put(
      key,
      Readable.from(
        (function* () {
          for (let i = 0; i < 20; i++) yield part;
        })(),
      ),
      { maxBytes: 20 * 1024 * 1024 },
    );
    expect(stored.sizeBytes).toBe(20 * 1024 * 1024);
    await expect(store.head(key)).resolves.toEqual({ sizeBytes: 20 * 1024 * 1024 });
    await store.delete(key);
  });

  it('stores an empty object', async () => {
    const key = mintKey(tenant, 'upload');
    await store.put(key, Readable.from([]), { maxBytes: 10 });
    await expect(store.head(key)).resolves.toEqual({ sizeBytes: 0 });
    await store.delete(key);
  });

  it.each([
    ['UPLOAD_TOO_LARGE', () => Readable.from([randomBytes(600), randomBytes(600)]), { maxBytes: 1000 }],
    ['UPLOAD_INCOMPLETE', () => cutOff(randomBytes(500)), { maxBytes: 1000 }],
    ['UPLOAD_INCOMPLETE', () => Readable.from([randomBytes(500)]), { maxBytes: 1000, exactBytes: 1000 }],
    [
      'CHECKSUM_MISMATCH',
      () => Readable.from([randomBytes(50)]),
      { maxBytes: 50, sha256: sha(Buffer.from('other')) },
    ],
  ])('leaves nothing behind after %s', async (code, body, limit) => {
    const key = mintKey(tenant, 'upload');
    await expect(store.put(key, body(), limit)).rejects.toMatchObject({ code });
    await expect(store.head(key)).resolves.toBeNull();
    if (scheme === 'file:') expect(await readdir(join(folder, 'objects', '.incoming'))).toEqual([]);
  });

  it('writes a key once', async () => {
    const key = mintKey(tenant, 'onnx');
    await store.put(key, Readable.from([Buffer.from('first')]), { maxBytes: 10 });
    await expect(
      store.put(key, Readable.from([Buffer.from('second')]), { maxBytes: 10 }),
    ).rejects.toMatchObject({
      code: 'CONFLICT',
    });
    expect((await buffer(await store.get(key))).toString()).toBe('first');
    await store.delete(key);
  });

  it('lists and deletes under a tenant only', async () => {
    const mine = [mintKey(tenant, 'onnx'), mintKey(tenant, 'golden'), mintKey(tenant, 'onnx')];
    const theirs = mintKey(neighbour, 'onnx');
    for (const key of [...mine, theirs])
      await store.put(key, Readable.from([Buffer.from('x')]), { maxBytes: 1 });
    const listed: ObjectKey[] = [];
    for await (const key of store.list(`t/${tenant}/onnx/`)) listed.push(key);
    expect(listed.sort()).toEqual([mine[0], mine[2]].sort());
    await expect(store.deletePrefix(`t/${tenant}/`)).resolves.toBe(3);
    await expect(store.head(theirs)).resolves.toEqual({ sizeBytes: 1 });
    for (const prefix of ['', 't/', `t/${tenant}`, `t/${tenant}/../`, '/', '../']) {
      await expect(store.deletePrefix(prefix)).rejects.toMatchObject({ code: 'BAD_INPUT' });
    }
  });

  it('never leaves the tenant prefix: 5,000 fuzzed names', async () => {
    const nasty = fc.constantFrom(
      '../',
      '..\\',
      '%2e%2e%2f',
      '\0',
      '\u2215',
      '\uff0f',
      '//',
      '/etc/passwd',
      'a'.repeat(1024),
      `t/${neighbour}/onnx/x`,
      `t/${tenant}/onnx/../../${neighbour}/onnx/x`,
      '.',
      '-',
      '\n',
    );
    const name = fc.array(fc.oneof(nasty, fc.string({ unit: 'binary' })), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(name, fc.boolean(), async (parts, prefixed) => {
        const key = (prefixed ? `t/${tenant}/onnx/${parts.join('')}` : parts.join('')) as ObjectKey;
        let accepted: string | undefined;
        try {
          accepted = objectKey(key);
        } catch {
          accepted = undefined;
        }
        if (accepted !== undefined) {
          expect(accepted).toMatch(/^t\/[0-9a-f-]{36}\/[a-z]+\/[0-9a-z-]{1,80}$/);
          return;
        }
        await expect(store.put(key, Readable.from([]), { maxBytes: 1 })).rejects.toBeDefined();
        await expect(store.get(key)).rejects.toBeDefined();
        await expect(store.delete(key)).rejects.toBeDefined();
      }),
      { numRuns: 5000, endOnFailure: true },
    );
    if (scheme === 'file:') {
      expect((await readdir(folder)).sort()).toEqual(['objects']);
      expect((await stat(join(folder, 'objects'))).mode & 0o077).toBe(0);
    }
  });
});

it('names the drivers there are', async () => {
  await expect(openObjectStore('ftp://x')).rejects.toThrow('one of: file:, s3:');
});
