import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryWatch, spawnLimited } from './index';

const MIB = 1024 * 1024;
const onLinux = process.platform === 'linux' ? it : it.skip;

describe('a limited process', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mm-limits-'));
  const script = join(folder, 'script.cjs');
  const start = (text: string, memoryBytes = 200 * MIB) => {
    writeFileSync(script, `process.on('message', () => undefined);\n${text}`);
    return spawnLimited({
      script,
      args: ['one', 'two'],
      env: { GIVEN: 'yes' },
      cwd: folder,
      limits: { memoryBytes, niceness: 5, limitData: true },
    });
  };
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('talks over IPC, and sees its arguments and only the environment it was given', async () => {
    const { process: child } = start(`process.send({ argv: process.argv.slice(2), env: process.env })`);
    const said = await new Promise<{ argv: string[]; env: Record<string, string> }>((resolve) =>
      child.once('message', (message) => resolve(message as { argv: string[]; env: Record<string, string> })),
    );
    expect(said.argv).toEqual(['one', 'two']);
    expect(said.env['GIVEN']).toBe('yes');
    expect(said.env['PATH']).toBeUndefined();
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('close', resolve));
  });

  onLinux('has its limits from its first instruction, and gives way to others', async () => {
    const { process: child } = start(`process.send('up')`);
    await new Promise((resolve) => child.once('message', resolve));
    const limits = readFileSync(`/proc/${child.pid}/limits`, 'utf8');
    expect(limits).toMatch(new RegExp(`Max data size +${456 * MIB} +${456 * MIB}`));
    expect(limits).toMatch(/Max core file size +0 +0/);
    expect(getPriority(child.pid)).toBe(5);
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('close', resolve));
  });

  onLinux('is refused memory by the kernel', async () => {
    const limited = start(`Buffer.alloc(1024 * ${MIB}, 1); process.send('got it')`);
    const { process: child } = limited;
    let got = false;
    child.once('message', () => (got = true));
    await new Promise((resolve) => child.once('close', resolve));
    expect(got).toBe(false);
    expect(limited.stderrTail()).toMatch(/allocation failed|out of memory/i);
  });

  it('is reported once when its resident memory passes the limit', async () => {
    const { process: child } = start(
      `
      const hold = [];
      setInterval(() => hold.push(Buffer.alloc(16 * ${MIB}, 1)), 20);`,
      4096 * MIB,
    );
    let reports = 0;
    const watch = new MemoryWatch(child.pid ?? 0, 256 * MIB, () => {
      reports++;
      child.kill('SIGKILL');
    });
    await new Promise((resolve) => child.once('close', resolve));
    expect(reports).toBe(1);
    expect(watch.peakBytes).toBeGreaterThan(256 * MIB);
    expect(watch.peakBytes).toBeLessThan(1024 * MIB);
    watch.stop();
  });
});
