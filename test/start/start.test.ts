import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { isAlive } from '../../src/embedded/child';
import { childOf, launch, run, scratchFolder } from './launcher';
import type { Launched } from './launcher';

const CHILDREN = {
  postgres: 'postgres -D',
  nats: 'nats-server',
  gateway: 'src/main.js',
  worker: 'gpu-worker/main.js',
};

const pids = (launched: Launched): number[] =>
  Object.values(CHILDREN).map((name) => childOf(launched.child.pid as number, name));

const SERVED = /GraphQL\s+(http:\/\/127\.0\.0\.1:(\d+))\/graphql[^]*stop\s+Ctrl-C/;

const folders: { remove(): void }[] = [];
const dataDir = (): string => {
  const folder = scratchFolder();
  folders.push(folder);
  return join(folder.path, 'data');
};
const running: Launched[] = [];
const start = (...args: string[]): Launched => {
  const launched = launch([...args, '--no-example']);
  running.push(launched);
  return launched;
};

afterEach(async () => {
  for (const launched of running.splice(0)) {
    launched.child.kill('SIGKILL');
    await launched.ended;
  }
});
afterAll(() => folders.forEach((folder) => folder.remove()));

describe('npm start', () => {
  const kept = dataDir();
  let firstPort = '';

  it('serves a platform, heals from killed children, and Ctrl-C leaves nothing behind', async () => {
    const launched = start('--port', '0', '--data-dir', kept);
    const [, url, port] = await launched.said(SERVED);
    firstPort = port;
    expect(launched.output()).toMatch(/operator token\s+\S+/);
    expect(launched.output()).toMatch(/its API key\s+mm_\S+/);
    for (const path of ['/livez', '/readyz', '/metrics']) {
      expect((await fetch(`${url}${path}`)).status).toBe(200);
    }
    expect(statSync(join(kept, 'secrets.json')).mode & 0o777).toBe(0o600);
    for (const secret of Object.values(
      JSON.parse(readFileSync(join(kept, 'secrets.json'), 'utf8')) as Record<string, string>,
    )) {
      expect(launched.output()).not.toContain(secret);
    }

    const second = start('--port', '0', '--data-dir', kept);
    expect(await second.ended).toBe(1);
    expect(second.output()).toContain(
      `${kept} is in use by a running modelmint (process ${launched.child.pid})`,
    );

    for (const [name, command] of Object.entries(CHILDREN)) {
      const pid = childOf(launched.child.pid as number, command);
      process.kill(pid, 'SIGKILL');
      await launched.said(new RegExp(`${name} is back`));
      expect(childOf(launched.child.pid as number, command)).not.toBe(pid);
    }
    expect((await fetch(`${url}/readyz`)).status).toBe(200);

    const children = pids(launched);
    launched.child.kill('SIGINT');
    expect(await launched.ended).toBe(0);
    expect(children.filter(isAlive)).toEqual([]);
    expect(launched.output()).toMatch(/stopped\n$/);
  });

  it('reuses the data at the next start, on the port that is asked for', async () => {
    const launched = start('--port', firstPort, '--data-dir', kept);
    const [, , port] = await launched.said(SERVED);
    expect(port).toBe(firstPort);
    expect(launched.output()).not.toContain('API key');
    launched.child.kill('SIGTERM');
    expect(await launched.ended).toBe(0);
  });

  it('stops after five crashes of a child within a minute, with its last log lines and exit 1', async () => {
    const launched = start('--port', '0', '--data-dir', kept);
    await launched.said(SERVED);
    const children = pids(launched);
    for (let crash = 1; crash <= 5; crash++) {
      process.kill(childOf(launched.child.pid as number, CHILDREN.nats), 'SIGKILL');
      if (crash < 5) await launched.said(new RegExp(`(nats is back[^]*){${crash}}`));
    }
    expect(await launched.ended).toBe(1);
    expect(launched.output()).toMatch(
      /nats ended 5 times within 60 s \(last: SIGKILL\); giving up\nlast lines of .*nats\.log:\n {2}\| .*/,
    );
    expect(children.filter(isAlive)).toEqual([]);
  });

  it('leaves no orphans when it is killed itself, and starts again', async () => {
    const launched = start('--port', '0', '--data-dir', kept);
    await launched.said(SERVED);
    const children = pids(launched);
    launched.child.kill('SIGKILL');
    await launched.ended;
    // Where PostgreSQL and NATS ended first, a gateway may wait for them before it gives up after 25 s.
    const deadline = Date.now() + 30_000;
    while (children.some(isAlive) && Date.now() < deadline) await new Promise((wait) => setTimeout(wait, 50));
    expect(children.filter(isAlive)).toEqual([]);
    const again = start('--port', '0', '--data-dir', kept);
    await again.said(SERVED);
    again.child.kill('SIGINT');
    expect(await again.ended).toBe(0);
  });

  it('Ctrl-C in a terminal, which reaches npm and everything below it, ends npm with 0', async () => {
    const launched = run('npm', ['start', '--', '--port', '0', '--data-dir', kept, '--no-example']);
    running.push(launched);
    await launched.said(SERVED, 90_000);
    process.kill(-(launched.child.pid as number), 'SIGINT');
    expect(await launched.ended).toBe(0);
    expect(launched.output()).toMatch(/stopped\n$/);
  });

  it('Ctrl-C during the start stops it too', async () => {
    const launched = start('--port', '0', '--data-dir', kept);
    await launched.said(/starting in/);
    await new Promise((wait) => setTimeout(wait, 100));
    launched.child.kill('SIGINT');
    expect(await launched.ended).toBe(0);
  });
});

describe('npm start refuses, and says what to do', () => {
  it('data of another PostgreSQL major version', async () => {
    const other = dataDir();
    mkdirSync(join(other, 'pg'), { recursive: true });
    writeFileSync(join(other, 'pg', 'PG_VERSION'), '17\n');
    const launched = start('--port', '0', '--data-dir', other);
    expect(await launched.ended).toBe(1);
    expect(launched.output()).toContain('POSTGRES_MAJOR_VERSION');
    expect(launched.output()).toMatch(/made by PostgreSQL 17, and this modelmint brings PostgreSQL 18/);
    expect(launched.output()).toMatch(/npm run backup.*\n.*npm run restore/);
    expect(readFileSync(join(other, 'pg', 'PG_VERSION'), 'utf8')).toBe('17\n');
  });

  it('a port that is in use', async () => {
    const server = createServer();
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
    const { port } = server.address() as { port: number };
    const launched = start('--port', String(port), '--data-dir', dataDir());
    expect(await launched.ended).toBe(1);
    expect(launched.output()).toContain(
      `port ${port} is in use by another program; choose another with --port N (0 picks a free one)\n`,
    );
    await new Promise((closed) => server.close(closed));
  });

  it('an unknown option', async () => {
    const launched = start('--prot', '1');
    expect(await launched.ended).toBe(2);
    expect(launched.output()).toMatch(/one of: --port N, --data-dir DIR, --no-example, --help/);
  });
});
