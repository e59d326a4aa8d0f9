/** `npm run doctor`, as it is built: what it says of the machine that it runs on. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { Finding } from './engine/survey';
import { TENSORFLOW_INSTALL, TENSORFLOW_PACKAGE } from './engine/tensorflow/load';

const ROOT = join(__dirname, '..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const CHROMIUM = '/usr/lib/chromium';
const SOFTWARE_DEVICE = join(CHROMIUM, 'vk_swiftshader_icd.json');

/** `driver`: the only Vulkan driver that it may find. */
const doctor = async (driver: string, ...args: string[]): Promise<string> => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [join(ROOT, 'dist/gpu-worker/doctor.main.js'), ...args],
    { env: { PATH: process.env['PATH'], LD_LIBRARY_PATH: CHROMIUM, VK_ICD_FILENAMES: driver } },
  );
  return stdout;
};

it('the cpu trains, and of all else it is said why not and how to get it', async () => {
  const [heading, ...lines] = (await doctor('/nowhere.json')).trimEnd().split('\n');
  expect(heading).toMatch(/^engine +device +works +hardware +memory/);
  const findings = lines.slice(0, lines.indexOf(''));
  expect(findings.map((line) => line.split(/ +/).slice(0, 2).join(' '))).toEqual([
    'onnxruntime cpu',
    'onnxruntime webgpu',
    'onnxruntime cuda',
    'tensorflow cpu',
    'tensorflow cuda',
  ]);
  expect(findings[0]).toMatch(/^onnxruntime +cpu +yes +.+ GiB +[\d.]+ ms \(version \d+\.\d+\.\d+\)$/);
  for (const line of findings) expect(line).toMatch(/ yes .* ms \(version|^\S+ +\S+ +no +\S.+/);

  const ways = lines.slice(lines.indexOf('') + 1).join('\n');
  expect(findings[1]).toMatch(/ no /);
  expect(ways).toContain('- webgpu: any recent GPU with a Vulkan driver');
  if (/ no /.test(findings[2] ?? '')) expect(ways).toContain('--onnxruntime-node-install=cuda12');
  if (/ no /.test(findings[3] ?? '') && / no /.test(findings[4] ?? ''))
    expect(ways).toContain(`- tensorflow: ${TENSORFLOW_INSTALL}`);
});

it('--json says the same to programs', async () => {
  const [cpu, webgpu, ...others] = z
    .array(Finding)
    .parse(JSON.parse(await doctor('/nowhere.json', '--json')));
  expect(cpu).toMatchObject({ engine: 'onnxruntime', device: 'cpu', why: null });
  expect(cpu?.memoryBytes).toBeGreaterThan(2 ** 20);
  expect(webgpu).toMatchObject({ device: 'webgpu', version: null });
  expect(webgpu?.why).toMatch(/adapter/i);
  expect(others).toHaveLength(3);
});

const withDevice = existsSync(SOFTWARE_DEVICE) ? it : it.skip;
withDevice('a device that trains is named, and nobody is told how to get it', async () => {
  const said = await doctor(SOFTWARE_DEVICE);
  expect(said).toMatch(/^onnxruntime +webgpu +yes +Vulkan in software .* ms \(version/m);
  expect(said).toMatch(
    / ms \(version [\d.]+\); mixed precision: (this device has no shader-f16|.* float32 here|does not help here .*)$/m,
  );
  expect(said).not.toContain('- webgpu:');
});

it('tfjs-node-gpu is an optional peer, and the command, the GPU image and the documentation name one version', () => {
  const { peerDependencies, peerDependenciesMeta } = z
    .object({
      peerDependencies: z.record(z.string(), z.string()),
      peerDependenciesMeta: z.record(z.string(), z.object({ optional: z.boolean() })),
    })
    .parse(JSON.parse(read('gpu-worker/package.json')));
  expect(peerDependenciesMeta[TENSORFLOW_PACKAGE]).toEqual({ optional: true });
  const pinned = `${TENSORFLOW_PACKAGE}@${peerDependencies[TENSORFLOW_PACKAGE]}`;
  expect(TENSORFLOW_INSTALL).toBe(`npm install --no-save ${pinned}`);
  expect(read('docs/operations.md')).toContain(TENSORFLOW_INSTALL);
  expect(read('gpu-worker/Dockerfile.gpu')).toContain(pinned);
  // `npm ci` fetches what the lock names as a package.
  expect(read('package-lock.json')).not.toContain(`"node_modules/${TENSORFLOW_PACKAGE}"`);
});
