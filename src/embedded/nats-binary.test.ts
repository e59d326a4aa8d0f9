import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram } from './child';
import { findNatsServer } from './nats-binary';

const root = mkdtempSync(join(tmpdir(), 'modelmint-natsbin-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const program = (...path: string[]): string => {
  const folder = join(root, ...path);
  mkdirSync(folder, { recursive: true });
  const at = join(folder, 'nats-server');
  writeFileSync(at, '#!/bin/sh\nexit 0\n');
  chmodSync(at, 0o755);
  return at;
};

describe('nats-server', () => {
  it('is taken from the PATH, else from the cache', async () => {
    const onPath = program('bin');
    const cached = program('cache', 'modelmint');
    const env = { PATH: join(root, 'bin'), XDG_CACHE_HOME: join(root, 'cache') };
    expect(await findNatsServer({ env, dataFolder: root })).toBe(onPath);
    // /usr/sbin and the like are looked at too: a machine that has one installed answers with that.
    const found = await findNatsServer({ env: { ...env, PATH: '' }, dataFolder: root });
    expect(found === cached || found.startsWith('/usr') || found.startsWith('/opt')).toBe(true);
  });

  it('that this machine uses really is one', async () => {
    const binary = await findNatsServer({ env: process.env, dataFolder: root });
    const { status, stdout, stderr } = await runProgram(binary, ['--version']);
    expect([status, stdout + stderr]).toEqual([0, expect.stringMatching(/nats-server: v?2\.\d+\.\d+/)]);
  });
});
