import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { startPlatform } from '../../test/support/platform';
import type { TestPlatform } from '../../test/support/platform';

const run = promisify(execFile);
const PROGRAM = resolve(__dirname, '../../dist/examples/partner-app/main.js');
const CODEGEN = resolve(__dirname, 'codegen.mjs');

describe('the partner example', () => {
  let platform: TestPlatform;
  beforeAll(async () => {
    platform = await startPlatform();
  });
  afterAll(() => platform.stop());

  const play = (key: string) =>
    run(process.execPath, [PROGRAM], {
      env: { ...process.env, MODELMINT_URL: platform.url, MODELMINT_KEY: key },
    });

  it('goes from its own data to answers and a bill', async () => {
    const { stdout, stderr } = await play(platform.apiKey);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/data +SEALED 2000 rows, \d+ held out/);
    expect(stdout).toMatch(/training +100 %/);
    expect(stdout.match(/kWh predicted/g)).toHaveLength(3);
    expect(stdout).toMatch(/quality .* on 3 rows/);
    expect(stdout).toMatch(/usage +\S+ prediction_rows 3$/m);
    expect(stdout).toMatch(/invoice +0\.\d+ USD/);
    const [, rmse, baseline] = /"rmse":([\d.e-]+).*"rmse":([\d.e-]+)/.exec(stdout) ?? [];
    expect(Number(rmse)).toBeLessThan(Number(baseline) / 4);
  });

  it('says the code when it is refused', async () => {
    await expect(play('mm_not_a_key')).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^UNAUTHENTICATED: /) as string,
    });
  });
});

it('has types that were generated from the schema as it is', async () => {
  await expect(run(process.execPath, [CODEGEN, '--check'])).resolves.toMatchObject({ stderr: '' });
});
