import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exited, freePort, stopChild } from '../../src/embedded/child';
import { natsUrl, spawnNats, waitForNats } from '../../src/embedded/nats';
import type { NatsOptions } from '../../src/embedded/nats';
import { findNatsServer } from '../../src/embedded/nats-binary';

export interface TestNats {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** `kill -9`; the data stays. */
  kill(): Promise<void>;
  /** Starts again on the same data and port. */
  start(): Promise<void>;
  /** Stops and removes the data. Call it in afterAll. */
  stop(): Promise<void>;
}

/** A nats-server of this test file's own, with JetStream. Takes some 100 ms. */
export const startNats = async (): Promise<TestNats> => {
  const folder = mkdtempSync(join(tmpdir(), 'modelmint-nats-'));
  const options: NatsOptions = {
    binary: await findNatsServer({ env: process.env, dataFolder: folder }),
    folder: join(folder, 'nats'),
    port: await freePort(),
    user: 'test',
    password: randomBytes(12).toString('hex'),
  };
  const start = async () => {
    const child = spawnNats(options);
    const log: string[] = [];
    child.stderr?.on('data', (chunk: Buffer) => log.push(chunk.toString()));
    child.stdout?.resume();
    try {
      await waitForNats(options, child, 10_000);
    } catch (cause) {
      throw new Error(`nats-server did not start:\n${log.join('')}`, { cause });
    }
    return child;
  };
  let child = await start();
  return {
    url: natsUrl(options),
    port: options.port,
    get pid() {
      return child.pid ?? 0;
    },
    kill: async () => {
      child.kill('SIGKILL');
      await exited(child);
    },
    start: async () => {
      child = await start();
    },
    stop: async () => {
      await stopChild(child, 'SIGTERM', 5000);
      rmSync(folder, { recursive: true, force: true });
    },
  };
};
