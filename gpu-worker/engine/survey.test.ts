import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import type { Device } from '../../contracts';
import { workingDevice } from './survey';

/** Debian's chromium brings a Vulkan device in software. */
const DRIVER = '/usr/lib/chromium/vk_swiftshader_icd.json';
const doctor = join(__dirname, '../../dist/gpu-worker/doctor.main.js');

const started = async (devices: Device[], env: Record<string, string> = {}) => {
  const lines: Record<string, unknown>[] = [];
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      lines.push(JSON.parse(chunk.toString()) as Record<string, unknown>);
      done();
    },
  });
  const childEnv = { PATH: process.env['PATH'] ?? '', ...env };
  const config = { devices, engine: 'onnxruntime', childEnv } as const;
  return { device: await workingDevice(config, doctor, pino(stream)), lines };
};

describe('a worker at its start', () => {
  it('names the device that it trains on', async () => {
    const { device, lines } = await started(['cpu']);
    expect(device).toBe('cpu');
    expect(lines).toMatchObject([{ msg: 'training device', device: 'cpu', engine: 'onnxruntime' }]);
    expect(lines[0]['name']).not.toBe('');
    expect(lines[0]['memoryBytes']).toBeGreaterThan(0);
  });

  it('goes on to the next device where one does not work, and says why', async () => {
    // No driver is in this folder, whatever the machine has.
    const { device, lines } = await started(['webgpu', 'cpu'], { VK_ICD_FILENAMES: __filename });
    expect(device).toBe('cpu');
    const [refused, taken] = lines;
    expect(refused).toMatchObject({ msg: 'training device does not work here', device: 'webgpu' });
    expect(refused['why']).toEqual(expect.stringMatching(/./));
    expect(taken).toMatchObject({ msg: 'training device', device: 'cpu' });
    expect(taken['stepMs']).toBeGreaterThan(0);
  }, 300_000);

  (existsSync(DRIVER) ? it : it.skip)(
    "takes a Vulkan device in software (skipped without Debian's chromium)",
    async () => {
      const env = { LD_LIBRARY_PATH: '/usr/lib/chromium', VK_ICD_FILENAMES: DRIVER };
      const { device, lines } = await started(['webgpu', 'cpu'], env);
      expect(device).toBe('webgpu');
      expect(lines).toMatchObject([
        { msg: 'training device', name: expect.stringContaining('in software') as string },
      ]);
      expect(lines[0]['stepMs']).toBeGreaterThan(0);
    },
    300_000,
  );
});
