import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataFolder, StartError } from './data-folder';
import { LogFile } from './log-file';
import { parseStartOptions, UsageError } from './options';

const root = mkdtempSync(join(tmpdir(), 'modelmint-data-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('the data folder', () => {
  it('makes its secrets once, readable by its owner only, and remembers its state', () => {
    const path = join(root, 'kept');
    const first = DataFolder.open(path);
    expect(first.fresh).toBe(true);
    first.remember({ natsPort: 4711 });
    first.close();
    const again = DataFolder.open(path);
    expect(again.fresh).toBe(false);
    expect(again.secrets).toEqual(first.secrets);
    expect(again.state).toEqual({ natsPort: 4711, bootstrapped: false });
    expect(statSync(join(path, 'secrets.json')).mode & 0o777).toBe(0o600);
    expect(Buffer.from(again.secrets.platform, 'base64')).toHaveLength(32);
    again.close();
  });

  it('is held by one launcher at a time; a lock whose holder is gone does not count', () => {
    const path = join(root, 'locked');
    const holder = DataFolder.open(path);
    expect(() => DataFolder.open(path)).toThrow(`in use by a running modelmint (process ${process.pid})`);
    holder.close();
    writeFileSync(join(path, 'launcher.lock'), `${process.pid} 1\n`); // the number was used again by us
    DataFolder.open(path).close();
    writeFileSync(join(path, 'launcher.lock'), ''); // its writer died before it wrote
    DataFolder.open(path).close();
  });

  it('says what is wrong with a folder that cannot be one, or with damaged secrets', () => {
    const file = join(root, 'file');
    writeFileSync(file, '');
    expect(() => DataFolder.open(file)).toThrow(StartError);
    expect(() => DataFolder.open(file)).toThrow('choose another with --data-dir');
    const damaged = join(root, 'damaged');
    mkdirSync(damaged);
    writeFileSync(join(damaged, 'secrets.json'), '{}');
    expect(() => DataFolder.open(damaged)).toThrow(/secrets\.json is damaged: postgresSuperuser/);
  });
});

describe('the command line', () => {
  it('has defaults and reads its flags', () => {
    expect(parseStartOptions([])).toMatchObject({ port: 4000, example: true, help: false });
    expect(parseStartOptions(['--port', '0', '--data-dir', '/x', '--no-example'])).toEqual({
      port: 0,
      dataDir: '/x',
      example: false,
      help: false,
    });
  });
  it.each([
    [['--prot', '1'], /--prot.*; one of: --port N, --data-dir DIR, --no-example, --help/s],
    [['--port', 'http'], /--port http: expected a whole number/],
    [['--port', '65536'], /expected a whole number from 0 to 65535/],
    [['stray'], /one of: --port/],
  ])('refuses %j and says what there is', (args, message) => {
    expect(() => parseStartOptions(args)).toThrow(UsageError);
    expect(() => parseStartOptions(args)).toThrow(message);
  });
});

describe('a log file', () => {
  it('keeps the last lines at hand and three earlier files', () => {
    const log = new LogFile(root, 'child', 100);
    for (let line = 0; line < 20; line++) log.write(Buffer.from(`line ${line} ${'x'.repeat(40)}\n`));
    log.write(Buffer.from('cut o'));
    log.write(Buffer.from('ff'));
    expect(log.tail(2).map((line) => line.slice(0, 7))).toEqual(['line 19', 'cut off']);
    log.close();
    const sizes = ['', '.1', '.2', '.3'].map((suffix) => statSync(join(root, `child.log${suffix}`)).size);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(100);
    expect(() => statSync(join(root, 'child.log.4'))).toThrow('ENOENT');
  });
});
