import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAlive } from './child';
import { GaveUp, Supervisor } from './supervise';
import type { Service } from './supervise';

const folder = mkdtempSync(join(tmpdir(), 'modelmint-supervise-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const script = (name: string, code: string, readyAfter = 'up'): Service => ({
  name,
  spawn: () => spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'pipe'] }),
  ready: (child) =>
    new Promise((resolve, reject) => {
      child.stdout?.on('data', (chunk: Buffer) => {
        if (chunk.toString().includes(readyAfter)) resolve();
      });
      child.once('exit', () => reject(new Error('it ended')));
    }),
  stopSignal: 'SIGTERM',
  patienceMs: 2000,
});

const STAY = 'console.log("up"); setInterval(() => {}, 1000)';

const until = async (what: () => boolean): Promise<void> => {
  const deadline = Date.now() + 5000;
  while (!what()) {
    if (Date.now() > deadline) throw new Error('it did not happen within 5 s');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};

describe('the supervisor', () => {
  it('starts a killed child again, and says so', async () => {
    const told: string[] = [];
    const supervisor = new Supervisor({
      logsFolder: folder,
      tell: (line) => told.push(line),
      backoffMs: () => 20,
    });
    await supervisor.start(script('phoenix', STAY));
    const first = supervisor.pid('phoenix') as number;
    process.kill(first, 'SIGKILL');
    await until(() => told.includes('phoenix is back'));
    expect(supervisor.pid('phoenix')).not.toBe(first);
    expect(told[0]).toBe('phoenix ended (SIGKILL); starting it again in 20 ms');
    await supervisor.stop([]);
    expect(isAlive(supervisor.pid('phoenix') as number)).toBe(false);
  });

  it('gives up after five crashes in a minute, with the last log lines', async () => {
    const told: string[] = [];
    const supervisor = new Supervisor({
      logsFolder: folder,
      tell: (line) => told.push(line),
      backoffMs: () => 5,
    });
    await supervisor.start(
      script(
        'fragile',
        'console.log("up"); setTimeout(() => { console.error("the last words"); process.exit(7) }, 20)',
      ),
    );
    const error = await supervisor.failed.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(GaveUp);
    expect((error as Error).message).toMatch(
      /^fragile ended 5 times within 60 s \(last: code 7\); giving up\nlast lines of .*fragile\.log:\n/,
    );
    expect((error as Error).message).toContain('| the last words');
    expect(told.filter((line) => line.includes('starting it again'))).toHaveLength(4);
    await supervisor.stop([]);
    expect(readFileSync(join(folder, 'fragile.log'), 'utf8')).toContain('the last words');
  });

  it('a child that cannot start is not tried again, and its words are shown', async () => {
    const supervisor = new Supervisor({ logsFolder: folder, tell: () => undefined });
    await expect(
      supervisor.start(script('stillborn', 'console.error("no such thing"); process.exit(1)')),
    ).rejects.toThrow(/stillborn did not start: it ended\nlast lines of .*\n {2}\| no such thing/s);
    await supervisor.stop([]);
  });

  it('stops in the order it is told, and kills what does not listen', async () => {
    const order = join(folder, 'order');
    const says = (name: string): string =>
      `process.on("SIGTERM", () => { require("fs").appendFileSync(${JSON.stringify(order)}, "${name} "); process.exit(0) }); ${STAY}`;
    const supervisor = new Supervisor({ logsFolder: folder, tell: () => undefined });
    await supervisor.start(script('a', says('a')));
    await supervisor.start(script('b', says('b')));
    await supervisor.start({
      ...script('deaf', `process.on("SIGTERM", () => {}); ${STAY}`),
      patienceMs: 100,
    });
    const deaf = supervisor.pid('deaf') as number;
    await supervisor.stop(['b', 'deaf', 'a']);
    expect(existsSync(order) && readFileSync(order, 'utf8')).toBe('b a ');
    expect(isAlive(deaf)).toBe(false);
  });
});
