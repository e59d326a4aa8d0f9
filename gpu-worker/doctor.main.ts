/** `npm run doctor`: what this machine can train on, and how to get more. `--json` for programs. */
import { DEVICES, ENGINES } from '../contracts';
import { findOut, survey } from './engine/survey';
import { saidOf } from './engine/mixed';
import type { Finding } from './engine/survey';
import { TENSORFLOW_INSTALL } from './engine/tensorflow/load';

const GIB = 2 ** 30;

const MORE: readonly { readonly when: (found: readonly Finding[]) => boolean; readonly text: string }[] = [
  {
    when: (found) => !works(found, 'onnxruntime', 'webgpu'),
    text: "webgpu: any recent GPU with a Vulkan driver (Debian: apt-get install libvulkan1 mesa-vulkan-drivers, or the card's own driver), Metal or D3D12; no toolkit. Then MM_DEVICES=webgpu,cpu. In software, for tests: Debian's chromium with LD_LIBRARY_PATH=/usr/lib/chromium VK_ICD_FILENAMES=/usr/lib/chromium/vk_swiftshader_icd.json",
  },
  {
    when: (found) => !works(found, 'onnxruntime', 'cuda'),
    text: 'cuda: an NVIDIA driver, CUDA 12 with cuDNN 9, and the provider: (cd node_modules/onnxruntime-node && node ./script/install --onnxruntime-node-install=cuda12). Then MM_DEVICES=cuda,cpu. gpu-worker/Dockerfile.gpu does all of it',
  },
  {
    when: (found) => !works(found, 'tensorflow', 'cuda') && !works(found, 'tensorflow', 'cpu'),
    text: `tensorflow: ${TENSORFLOW_INSTALL} (downloads libtensorflow and wants CUDA 11.2 with cuDNN 8.1). Then MM_ENGINE=tensorflow`,
  },
];

const works = (found: readonly Finding[], engine: string, device: string): boolean =>
  found.some((each) => each.engine === engine && each.device === device && each.version !== null);

const line = (cells: readonly string[]): string =>
  `${cells.map((cell, at) => cell.padEnd([12, 8, 8, 30, 10, 0][at] ?? 0)).join(' ')}`.trimEnd();

const show = (found: readonly Finding[]): string =>
  [
    line(['engine', 'device', 'works', 'hardware', 'memory', 'tiny training, or why not']),
    ...found.map(({ engine, device, version, stepMs, why, mixed, name, memoryBytes }) =>
      line([
        engine,
        device,
        version === null ? 'no' : 'yes',
        version === null ? '' : name.slice(0, 30),
        version === null || memoryBytes === null ? '' : `${(memoryBytes / GIB).toFixed(1)} GiB`,
        why ??
          `${(stepMs ?? NaN).toFixed(1)} ms (version ${version})${mixed === undefined ? '' : `; mixed precision: ${saidOf(mixed)}`}`,
      ]),
    ),
    '',
    ...MORE.filter(({ when }) => when(found)).map(({ text }) => `- ${text}`),
    '',
  ].join('\n');

const main = async (): Promise<void> => {
  const [, script = '', option, ...rest] = process.argv;
  if (option === '--try') {
    const engine = ENGINES.find((known) => known === rest[0]);
    const device = DEVICES.find((known) => known === rest[1]);
    if (engine === undefined || device === undefined) throw new Error('--try ENGINE DEVICE');
    process.stdout.write(`${JSON.stringify(await findOut(engine, device, process.env))}\n`);
    process.exit(0); // a driver may keep threads alive
  }
  const found = await survey(script, process.env);
  process.stdout.write(option === '--json' ? `${JSON.stringify(found, null, 2)}\n` : show(found));
};

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
