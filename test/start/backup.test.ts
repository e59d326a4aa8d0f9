/** A backup of one data folder becomes another that serves the same tenants, and a damaged one is refused. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { backUp } from '../../src/embedded/backup/backup';
import { BackupManifest } from '../../src/embedded/backup/manifest';
import { restore } from '../../src/embedded/backup/restore';
import { bootstrap } from '../../src/embedded/first-start';
import { Client } from '../../src/embedded/loop/client';
import { playLoop } from '../../src/embedded/loop/play';
import { Terminal } from '../../src/embedded/loop/terminal';
import { startEmbedded } from '../../src/embedded/platform';

const quiet = { tell: () => undefined, env: process.env };
const silent = new Terminal(process.stdout, true);

/** Two hundred rows that a line explains. */
const csv = (): string =>
  ['a,b,y', ...Array.from({ length: 200 }, (_, i) => `${i % 37},g${i % 3},${(i % 37) * 2 + (i % 3)}`)].join(
    '\n',
  );

const INVOICE = `query ($from: DateTimeISO!, $to: DateTimeISO!) {
  invoicePreview(from: $from, to: $to) { lines { meter quantity amountNano } }
}`;

interface InvoiceLines {
  readonly invoicePreview: {
    readonly lines: readonly { meter: string; quantity: string; amountNano: string }[];
  };
}

/** What does not grow by itself: storage is an integral over time. */
const counted = ({ invoicePreview }: InvoiceLines): unknown =>
  invoicePreview.lines.filter(({ meter }) => meter !== 'storage_byte_ms');

describe('backup and restore', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'modelmint-backup-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('brings everything back', async () => {
    const [from, to] = [new Date(Date.now() - 3_600_000), new Date(Date.now() + 3_600_000)];
    const [dataDir, out, restored] = ['data', 'backup', 'restored'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    const file = join(folder, 'rows.csv');
    await writeFile(file, csv());

    const first = await startEmbedded({ ...quiet, dataDir, port: 0 });
    const { apiKey } = await bootstrap(first);
    let played;
    let before;
    try {
      const client = new Client(first.endpoint, apiKey);
      played = await playLoop(
        client,
        { file, target: 'y', scenario: { name: 'backup' }, predictions: 3 },
        silent,
      );
      // While it runs: the copy is one snapshot.
      await backUp({ dataDir, out, env: process.env });
      before = counted(await client.run<InvoiceLines>(INVOICE, { from, to }));
    } finally {
      await first.stop();
    }
    expect(before).not.toEqual([]);

    await restore({ from: out, dataDir: restored, env: process.env });
    const second = await startEmbedded({ ...quiet, dataDir: restored, port: 0 });
    try {
      const client = new Client(second.endpoint, apiKey);
      expect(counted(await client.run<InvoiceLines>(INVOICE, { from, to }))).toEqual(before);
      const { deployments } = await client.run<{ deployments: { edges: { node: { id: string } }[] } }>(
        'query { deployments(first: 1) { edges { node { id } } } }',
      );
      const [row] = played.predictions;
      const { predict } = await client.run<{ predict: { outputs: { prediction: number }[] } }>(
        'query ($id: ID!, $rows: [JSON!]!) { predict(deploymentId: $id, rows: $rows) { outputs { prediction } } }',
        { id: deployments.edges[0]?.node.id, rows: [row?.inputs] },
      );
      expect(predict.outputs[0]?.prediction).toBe(row?.prediction);
    } finally {
      await second.stop();
    }
  });

  it('refuses a backup with one byte changed, and one of another release', async () => {
    const path = join(folder, 'backup', 'manifest.json');
    const original = await readFile(path, 'utf8');
    const manifest = BackupManifest.parse(JSON.parse(original));
    const [object] = manifest.objects;
    if (object === undefined) throw new Error('the backup holds objects');
    await writeFile(path, JSON.stringify({ ...manifest, objects: [{ ...object, sha256: '0'.repeat(64) }] }));
    await expect(
      restore({ from: join(folder, 'backup'), dataDir: join(folder, 'damaged'), env: process.env }),
    ).rejects.toThrow(/sha-256|checksum|hash/i);
    await writeFile(path, JSON.stringify({ ...manifest, objects: [], migrations: ['Other0000000000001'] }));
    await expect(
      restore({ from: join(folder, 'backup'), dataDir: join(folder, 'other'), env: process.env }),
    ).rejects.toThrow(/migration/);
    await writeFile(path, original);
  });

  it('restores into a new folder only', async () => {
    await expect(
      restore({ from: join(folder, 'backup'), dataDir: join(folder, 'data'), env: process.env }),
    ).rejects.toThrow(/not empty/);
  });
});
