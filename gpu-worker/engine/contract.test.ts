/** Every engine and provider that is present trains the same networks on the same data to the same answers. */
import * as tf from '../testing/tfjs-cpu';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as contracts from '../../contracts';
import * as concrete from '../family/concrete';
import * as preparedTarget from '../prepare/target';
import { answers, specs } from '../testing/contract.cjs';
import * as assemble from '../train/assemble';
import { chooseEngine, graphDevice } from './engine';
import { openSessionCount } from './onnxruntime';

const parts = { ...contracts, ...concrete, ...preparedTarget, ...assemble };
/**
 * Largest difference of the answers, as a share of their spread. A float32 sum in another order is off by some 6e-8, a dozen
 * steps add that up, and Adam, which divides a slope by its own size, does not shrink it. Seen: 1.1e-6 on tensorflow,
 * 4.3e-7 on webgpu. CUDA multiplies in TF32, whose ten bits are off by 5e-4; no card has been seen yet. An epoch less moves
 * every model by more than 0.05.
 */
const TOLERANCE = { tensorflow: 1e-5, webgpu: 1e-5, cuda: 0.01 };
/** Vulkan lets a sine be off by 2^-11, whatever its size. Seen: 2.2e-3. */
const ROUGH_SINES: Readonly<Record<string, number>> = { 'webgpu, mlp of periodic numbers': 0.01 };

/** Debian's chromium brings a Vulkan device in software. */
const CHROMIUM = '/usr/lib/chromium';
const SOFTWARE_DEVICE = {
  LD_LIBRARY_PATH: CHROMIUM,
  VK_ICD_FILENAMES: join(CHROMIUM, 'vk_swiftshader_icd.json'),
};
const inSoftware = existsSync(SOFTWARE_DEVICE.VK_ICD_FILENAMES);

const printed = async (script: string, ...args: string[]): Promise<string> => {
  const path = join(__dirname, '../testing', script);
  const { stdout } = await promisify(execFile)(process.execPath, [path, ...args], {
    env: { ...process.env, ...(inSoftware && SOFTWARE_DEVICE) },
    maxBuffer: 2 ** 26,
  });
  return stdout;
};
const answersOf = async (device: string): Promise<Record<string, number[]>> =>
  JSON.parse(await printed('contract.cjs', 'onnxruntime', device)) as Record<string, number[]>;

let cpu: Record<string, number[]>;
const expectSame = (where: keyof typeof TOLERANCE, got: Record<string, number[]>): void => {
  expect(Object.keys(got)).toEqual(Object.keys(specs));
  for (const [name, values] of Object.entries(cpu)) {
    const distance = Math.max(...values.map((value, at) => Math.abs(value - (got[name]?.[at] ?? NaN))));
    const spread = Math.max(...values) - Math.min(...values);
    const tolerance = ROUGH_SINES[`${where}, ${name}`] ?? TOLERANCE[where];
    expect({ name, same: distance < tolerance * spread }).toEqual({ name, same: true });
  }
};

beforeAll(async () => {
  tf.enableProdMode(); // no advice about faster backends
  await tf.setBackend('cpu');
  cpu = await answers(parts, await chooseEngine('cpu'));
});
afterAll(() => expect(openSessionCount()).toBe(0));

it('tensorflow, with its own gradients, ends where onnxruntime does', async () => {
  const before = tf.memory().numTensors;
  const engine = await chooseEngine('cpu', 'tensorflow');
  expect(engine).toMatchObject({ name: 'tensorflow', device: 'cpu', version: tf.version_core });
  expectSame('tensorflow', await answers(parts, engine));
  expect(tf.memory().numTensors).toBe(before);
});

it('asked twice, tensorflow gives the same answers in every bit', async () => {
  const engine = await chooseEngine('cpu', 'tensorflow');
  const only = { mlp: specs['mlp'] };
  expect(await answers(parts, engine, only)).toEqual(await answers(parts, engine, only));
});

it('beside the GPU of TensorFlow graphs run on the cpu', () => {
  expect(graphDevice({ name: 'tensorflow', device: 'cuda', version: '' })).toBe('cpu');
  expect(graphDevice({ name: 'onnxruntime', device: 'cuda', version: '' })).toBe('cuda');
});

const withDevice = inSoftware ? describe : describe.skip;
withDevice(
  inSoftware
    ? 'webgpu over a Vulkan device in software'
    : `webgpu (skipped: ${CHROMIUM} is missing; install Debian's chromium)`,
  () => {
    it('ends where the cpu does, asked again in every bit', async () => {
      const found = await answersOf('webgpu');
      expectSame('webgpu', found);
      const again = await printed('contract.cjs', 'onnxruntime', 'webgpu', 'mlp');
      expect(JSON.parse(again)).toEqual({ mlp: found['mlp'] });
    }, 300_000);

    it.each(['training', 'validation'])(
      'says that a model does not fit into its memory: %s',
      async (part) => {
        expect(await printed('too-big.cjs', 'webgpu', part)).toMatch(
          /^OUT_OF_MEMORY: the training does not fit into the memory of the webgpu device/,
        );
      },
      300_000,
    );
  },
);

it('cuda ends where the cpu does; where it is not there, it is refused with what is', async () => {
  const got = await answersOf('cuda').catch((error: unknown) => String(error));
  if (typeof got === 'string') expect(got).toMatch(/BAD_SPEC device cuda is not available.*one of: cpu/);
  else expectSame('cuda', got);
}, 300_000);
