import { DuckDBInstance } from '@duckdb/node-api';
import type { DuckDBConnection } from '@duckdb/node-api';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

export const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;
export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

export type Row = Record<string, string | number | null>;

export interface DuckOptions {
  /** The only folder that may be read or written. */
  readonly folder: string;
  readonly memoryMb: number;
  readonly threads: number;
  /** Where tables are kept: a compressed file in `folder` (the default), or memory for none or small ones. */
  readonly keep?: 'file' | 'memory';
}

/** DuckDB on one folder, with bounded memory and no way out: no network, no extensions, no other files. */
export class Duck {
  private constructor(
    private readonly instance: DuckDBInstance,
    readonly connection: DuckDBConnection,
  ) {}

  static async open(options: DuckOptions): Promise<Duck> {
    const temporary = join(options.folder, 'duckdb-temp');
    await mkdir(temporary, { recursive: true });
    const kept = options.keep === 'memory' ? ':memory:' : join(options.folder, 'work.duckdb');
    const instance = await DuckDBInstance.create(kept, {
      memory_limit: `${options.memoryMb}MB`,
      threads: String(options.threads),
      temp_directory: temporary,
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
      allow_community_extensions: 'false',
    });
    const connection = await instance.connect();
    // The order matters: after the last line nothing can be opened up again.
    await connection.run(`set allowed_directories=[${literal(`${options.folder}/`)}]`);
    await connection.run('set enable_external_access=false');
    await connection.run('set lock_configuration=true');
    return new Duck(instance, connection);
  }

  async run(sql: string): Promise<void> {
    await this.connection.run(sql);
  }

  /** Rows as objects; 64-bit integers and decimals come as numbers, so keep counts below 2^53. */
  async rows<T extends object = Row>(sql: string): Promise<T[]> {
    const reader = await this.connection.runAndReadAll(sql);
    return reader.getRowObjects().map((row) => {
      const plain: Record<string, unknown> = {};
      for (const [name, value] of Object.entries(row))
        plain[name] = typeof value === 'bigint' ? Number(value) : value;
      return plain as T;
    });
  }

  async one<T extends object = Row>(sql: string): Promise<T> {
    const [row] = await this.rows<T>(sql);
    if (row === undefined) throw new Error('a query that always answers one row answered none');
    return row;
  }

  /**
   * Streams rows in chunks of about two thousand, over a connection of its own: any statement on the same connection, a
   * flush of an appender included, ends an open stream without an error.
   */
  async *chunks(sql: string): AsyncGenerator<unknown[][]> {
    const reading = await this.instance.connect();
    try {
      const result = await reading.stream(sql);
      for (;;) {
        const chunk = await result.fetchChunk();
        if (chunk === null || chunk.rowCount === 0) return;
        yield chunk.getRows();
      }
    } finally {
      reading.closeSync();
    }
  }

  close(): void {
    this.connection.closeSync();
    this.instance.closeSync();
  }
}
