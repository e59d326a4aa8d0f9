/** What is known about the hardware behind a device, for reports: never a reason to use it or not. */
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import type { Device } from '../../contracts';

export interface Hardware {
  readonly name: string;
  /** Null where the system does not say. */
  readonly memoryBytes: number | null;
}

const MIB = 2 ** 20;

/** `env`: of the process that uses the device; Vulkan's loader takes its driver from there. */
export const hardwareOf = async (
  device: Device,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Hardware> => {
  if (device === 'cpu') return { name: cpus()[0]?.model.trim() ?? 'cpu', memoryBytes: totalmem() };
  const driver = env['VK_DRIVER_FILES'] ?? env['VK_ICD_FILENAMES'];
  if (device === 'webgpu' && driver !== undefined && /swiftshader|lvp|llvmpipe/i.test(driver))
    return { name: `Vulkan in software (${basename(driver)})`, memoryBytes: null };
  return (
    (await nvidia()) ??
    (device === 'webgpu' ? await amd() : undefined) ?? { name: `unnamed ${device}`, memoryBytes: null }
  );
};

const nvidia = async (): Promise<Hardware | undefined> => {
  try {
    const query = ['--query-gpu=name,memory.total', '--format=csv,noheader,nounits'];
    const { stdout } = await promisify(execFile)('nvidia-smi', query, { timeout: 10_000 });
    const [name, mebibytes] = (stdout.split('\n')[0] ?? '').split(',').map((part) => part.trim());
    if (name === undefined || name === '') return undefined;
    return { name, memoryBytes: Number(mebibytes) > 0 ? Number(mebibytes) * MIB : null };
  } catch {
    return undefined; // no NVIDIA driver here
  }
};

/** Linux tells of a card's memory in sysfs (amdgpu). */
const amd = async (): Promise<Hardware | undefined> => {
  const root = '/sys/class/drm';
  try {
    for (const card of (await readdir(root)).filter((entry) => /^card\d+$/.test(entry)).sort()) {
      const of = (file: string): Promise<string> => readFile(join(root, card, 'device', file), 'utf8');
      const memory = await of('mem_info_vram_total').catch(() => null);
      if (memory === null) continue;
      const name = await of('product_name').catch(() => '');
      return { name: name.trim() || `AMD ${card}`, memoryBytes: Number(memory) };
    }
  } catch {
    // no such folder: another system
  }
  return undefined;
};
