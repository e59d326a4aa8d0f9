/** Bad files and bad uploads as a partner meets them: through the API, the gateway and the worker as they run. */
import { open, readdir } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { startPlatform } from '../support/platform';
import type { TestPlatform } from '../support/platform';
import { eventually, Partner } from './partner';

let platform: TestPlatform;
let partner: Partner;
let scenarioId: string;
beforeAll(async () => {
  platform = await startPlatform();
  partner = new Partner(platform, platform.apiKey);
  scenarioId = await partner.scenario('bad input');
});
afterAll(() => platform.stop());

const files = async (): Promise<string[]> =>
  (await readdir(platform.objects, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
const nothingStored = () => eventually(files, (stored) => stored.length === 0);
const rows = (count: number, line: (row: number) => string): string =>
  Array.from({ length: count }, (_, row) => line(row)).join('\n');
const GOOD = Buffer.from(
  `area,place,price\n${rows(200, (row) => `${row % 97},p${row % 3},${row * 3 + 1}`)}\n`,
);

/** The least that a zip has: one stored file of one byte. */
const ZIP = Buffer.from(
  '504b0304140000000000000000004c8e7dd30100000001000000010000006178504b01021400140000000000000000004c8e7dd301000000010000000100000000000000000000000000000000006178504b050600000000010001002f000000200000000000',
  'hex',
);

describe('a file that is refused', () => {
  it.each<[name: string, bytes: Buffer, code: string]>([
    ['a header and no rows', Buffer.from('area,price\n'), 'NO_ROWS'],
    ['a zip named .csv', ZIP, 'UNKNOWN_FORMAT'],
    [
      'rows of unequal length',
      Buffer.from(`area,price\n${rows(50, (row) => (row === 30 ? '1,2,3' : `${row},${row}`))}\n`),
      'RAGGED_ROWS',
    ],
    ['no target column', Buffer.from(`area,cost\n${rows(50, (row) => `${row},${row}`)}\n`), 'TARGET_MISSING'],
    [
      'bytes that are no text',
      Buffer.from(`area,price\n${rows(50, (row) => `caf\u00e9${row},${row}`)}\n`, 'latin1'),
      'INVALID_ENCODING',
    ],
    [
      'an infinite number',
      Buffer.from(`area,price\n${rows(50, (row) => `${row === 30 ? 'Infinity' : row},${row}`)}\n`),
      'NOT_FINITE',
    ],
    ['one column', Buffer.from(`price\n${rows(50, String)}\n`), 'TOO_FEW_COLUMNS'],
  ])('%s: says why and leaves nothing in the store', async (_name, bytes, code) => {
    const version = await partner.upload(scenarioId, bytes);
    expect(version).toMatchObject({ state: 'REJECTED', error: { code } });
    await nothingStored();
    const refused = await partner.ask(
      `mutation ($id: ID!) { startTraining(input: { datasetVersionId: $id }) { id } }`,
      { id: version.id },
    );
    expect(refused.errors?.[0]?.extensions?.code).toBe('STATE_CONFLICT');
  });

  it('an empty file: says why and leaves nothing in the store', async () => {
    await expect(partner.upload(scenarioId, Buffer.alloc(0))).resolves.toMatchObject({
      state: 'REJECTED',
      error: { code: 'EMPTY_FILE' },
    });
    await nothingStored();
  });
});

describe('an upload to the gateway', () => {
  it('cut off half-way rejects the version and leaves nothing', async () => {
    const { versionId, url } = await partner.declare(scenarioId, Buffer.alloc(1_000_000));
    await new Promise<void>((resolve) => {
      const sent = request(url, { method: 'PUT', headers: { 'content-length': 1_000_000 } });
      sent.on('error', () => undefined);
      sent.on('close', () => resolve());
      sent.write(Buffer.alloc(400_000), () => setTimeout(() => sent.destroy(), 50));
    });
    await expect(partner.settled(versionId)).resolves.toMatchObject({
      state: 'REJECTED',
      error: { code: 'UPLOAD_INCOMPLETE' },
    });
    await nothingStored();
  });

  it.each<[name: string, set: Record<string, unknown>, status: number, code: string]>([
    ['larger than declared', { sizeBytes: GOOD.length - 1, sha256: null }, 413, 'UPLOAD_TOO_LARGE'],
    ['with another checksum', { sha256: 'a'.repeat(64) }, 400, 'CHECKSUM_MISMATCH'],
  ])('%s rejects the version and leaves nothing', async (_name, set, status, code) => {
    const { versionId, url } = await partner.declare(scenarioId, GOOD, set);
    const answer = await fetch(url, { method: 'PUT', body: new Uint8Array(GOOD) });
    expect(answer.status).toBe(status);
    await expect(answer.json()).resolves.toMatchObject({ error: { code } });
    await expect(partner.settled(versionId)).resolves.toMatchObject({ state: 'REJECTED', error: { code } });
    await nothingStored();
  });
});

it('a sealed dataset that was changed in the store is not trained on', async () => {
  const version = await partner.upload(scenarioId, GOOD);
  expect(version.state).toBe('SEALED');
  // The upload itself is let go; what stays is the sealed file.
  const [sealed = ''] = await eventually(files, (stored) => stored.length === 1);
  const file = await open(sealed, 'r+');
  const { size } = await file.stat();
  await file.write(Buffer.from([0x58]), 0, 1, Math.floor(size / 2));
  await file.close();
  const job = await partner.train(version.id, { family: 'linear' });
  expect(job).toMatchObject({ state: 'FAILED', error: { code: 'DATASET_CHANGED' }, modelVersion: null });
});
