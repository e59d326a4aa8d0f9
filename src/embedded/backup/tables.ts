/** Tables to files and back, in one snapshot, as the owner of the database. */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Client } from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';

export interface TableDump {
  readonly name: string;
  readonly columns: readonly string[];
  readonly rows: number;
  readonly sha256: string;
}
export interface SequenceDump {
  readonly name: string;
  readonly value: string;
  readonly called: boolean;
}
export interface DatabaseDump {
  readonly migrations: readonly string[];
  readonly tables: readonly TableDump[];
  readonly sequences: readonly SequenceDump[];
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
const fileOf = (dir: string, table: string): string => join(dir, `${table}.copy`);

const hashing = (): { stream: Transform; sha256: () => string } => {
  const hash = createHash('sha256');
  const stream = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  return { stream, sha256: () => hash.digest('hex') };
};

/** Row-level security hides rows from an owner that does not bypass it: such a dump would be empty, not wrong. */
const requirePower = async (client: Client): Promise<void> => {
  const { rows } = await client.query<{ ok: boolean }>(
    'select rolsuper as ok from pg_roles where rolname = current_user',
  );
  if (rows[0]?.ok !== true) {
    throw new Error(
      'backup and restore need a superuser connection: forced row-level security hides rows from the owner',
    );
  }
};

const appTables = async (client: Client): Promise<string[]> => {
  const { rows } = await client.query<{ name: string }>(
    `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = 'app' and c.relkind = 'r' order by 1`,
  );
  return rows.map((row) => row.name);
};

/** Generated columns are computed again by the target. */
const columnsOf = async (client: Client, table: string): Promise<string[]> => {
  const { rows } = await client.query<{ name: string }>(
    `select attname as name from pg_attribute where attrelid = ('app.' || quote_ident($1))::regclass
      and attnum > 0 and not attisdropped and attgenerated = '' order by attnum`,
    [table],
  );
  return rows.map((row) => row.name);
};

const migrationNames = async (client: Client): Promise<string[]> => {
  const { rows } = await client.query<{ name: string }>('select name from app.migrations order by id');
  return rows.map((row) => row.name);
};

const connected = async <T>(url: string, work: (client: Client) => Promise<T>): Promise<T> => {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await requirePower(client);
    return await work(client);
  } finally {
    await client.end();
  }
};

/** Writes every table of schema `app` to `dir/<table>.copy`, all from one snapshot. */
export const dumpTables = async (ownerUrl: string, dir: string): Promise<DatabaseDump> =>
  connected(ownerUrl, async (client) => {
    await mkdir(dir, { recursive: true });
    await client.query('begin isolation level repeatable read read only');
    const tables: TableDump[] = [];
    for (const name of (await appTables(client)).filter((table) => table !== 'migrations')) {
      const columns = await columnsOf(client, name);
      const list = columns.map(quoted).join(', ');
      const source = client.query(copyTo(`copy app.${quoted(name)} (${list}) to stdout`));
      const { stream, sha256 } = hashing();
      await pipeline(source, stream, createWriteStream(fileOf(dir, name), { mode: 0o600 }));
      tables.push({ name, columns, rows: source.rowCount, sha256: sha256() });
    }
    const { rows: sequences } = await client.query<{ name: string }>(
      "select sequencename as name from pg_sequences where schemaname = 'app' order by 1",
    );
    const values: SequenceDump[] = [];
    for (const { name } of sequences) {
      const { rows } = await client.query<{ value: string; called: boolean }>(
        `select last_value::text as value, is_called as called from app.${quoted(name)}`,
      );
      const row = rows[0];
      if (row) values.push({ name, ...row });
    }
    const migrations = await migrationNames(client);
    await client.query('commit');
    return { migrations, tables, sequences: values };
  });

/** Fills a freshly migrated database from `dir`, in one transaction: all of it, or nothing. */
export const loadTables = async (ownerUrl: string, dir: string, dump: DatabaseDump): Promise<void> =>
  connected(ownerUrl, async (client) => {
    const have = await migrationNames(client);
    if (have.join() !== dump.migrations.join()) {
      throw new Error(
        `the backup was made at migration ${dump.migrations.at(-1) ?? 'none'}, this release is at ${have.at(-1) ?? 'none'}: ` +
          'restore with the release that made the backup, then start the newer one',
      );
    }
    await client.query('begin');
    // Foreign keys and triggers were satisfied when the rows were first written.
    await client.query('set local session_replication_role = replica');
    for (const table of dump.tables) {
      await client.query(`delete from app.${quoted(table.name)}`);
      const { stream, sha256 } = hashing();
      const sink = client.query(
        copyFrom(`copy app.${quoted(table.name)} (${table.columns.map(quoted).join(', ')}) from stdin`),
      );
      await pipeline(createReadStream(fileOf(dir, table.name)), stream, sink);
      if (sha256() !== table.sha256)
        throw new Error(`${table.name}.copy is damaged: its sha-256 is not the manifest's`);
      if (sink.rowCount !== table.rows) {
        throw new Error(`${table.name}: ${sink.rowCount} rows arrived, the manifest says ${table.rows}`);
      }
    }
    for (const { name, value, called } of dump.sequences) {
      await client.query('select setval($1::regclass, $2::bigint, $3)', [
        `app.${quoted(name)}`,
        value,
        called,
      ]);
    }
    await client.query('commit');
  });
