import { connect } from 'node:net';
import { Client } from 'pg';
import { z } from 'zod';

const Support = z.object({
  port: z.number(),
  template: z.string(),
  superuserUrl: z.string(),
  passwords: z.object({ owner: z.string(), app: z.string(), platform: z.string() }),
});
type Support = z.infer<typeof Support>;

export interface TestDatabase {
  readonly name: string;
  /** Owns the schema and migrates. */
  readonly ownerUrl: string;
  /** `mm_app`: what the gateway uses for one tenant at a time. */
  readonly appUrl: string;
  /** `mm_platform`: the closed list of tables, across tenants. */
  readonly platformUrl: string;
  /** Bypasses every policy: for looking behind the scenes, and for planting faults. */
  readonly superuserUrl: string;
}

const ask = (): Promise<Support> =>
  new Promise((resolve, reject) => {
    const path = process.env['MM_TEST_SUPPORT'];
    if (path === undefined)
      return reject(new Error('no test database: tests run under jest with test/support/global-setup.cjs'));
    let text = '';
    connect(path)
      .on('data', (chunk: Buffer) => (text += chunk.toString()))
      .on('error', reject)
      .on('end', () => {
        const answer: unknown = JSON.parse(text);
        const failed = z.object({ error: z.string() }).safeParse(answer);
        if (failed.success) return reject(new Error(failed.data.error));
        resolve(Support.parse(answer));
      });
  });

let support: Promise<Support> | undefined;
let made = 0;

/** A database of this test file's own: all migrations applied, no rows. Takes some 50 ms. */
export const freshDatabase = async (): Promise<TestDatabase> => {
  const { port, template, superuserUrl, passwords } = await (support ??= ask());
  const name = `t${process.pid}_${Date.now().toString(36)}_${made++}`;
  const client = new Client({ connectionString: superuserUrl });
  await client.connect();
  try {
    await client.query(`create database ${name} template ${template} owner mm_owner`);
  } finally {
    await client.end();
  }
  const url = (role: string, password: string): string =>
    `postgres://${role}:${password}@127.0.0.1:${port}/${name}`;
  const superuser = new URL(superuserUrl);
  return {
    name,
    ownerUrl: url('mm_owner', passwords.owner),
    appUrl: url('mm_app', passwords.app),
    platformUrl: url('mm_platform', passwords.platform),
    superuserUrl: url(superuser.username, superuser.password),
  };
};
