/** What others make of our files: the ONNX project's own checker, and onnxruntime-web, a build of its own for WebAssembly. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PYTHON = '/usr/bin/python3';
export const withChecker = spawnSync(PYTHON, ['-c', 'import onnx']).status === 0;
export const checkerName = `Debian's python3-onnx${withChecker ? '' : ' (skipped: apt-get install python3-onnx)'}`;

const CHECK = `
import json, sys, onnx
for path in json.load(open(sys.argv[1])):
    try:
        model = onnx.load(path)
        onnx.checker.check_model(model, full_check=True)
        opsets = {entry.domain: entry.version for entry in model.opset_import}
        assert model.ir_version <= 8 and opsets.get('', 0) <= 17 and opsets.get('ai.onnx.ml', 0) <= 3, opsets
        print('fine')
    except Exception as error:
        print(' '.join(str(error).split()))
`;

interface NamedFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Those that the checker refuses, and why. */
export const refusedByChecker = (files: readonly NamedFile[]): [name: string, why: string][] =>
  inFolder(files, (paths, folder) => {
    const list = join(folder, 'paths.json');
    writeFileSync(list, JSON.stringify(paths));
    const lines = execFileSync(PYTHON, ['-c', CHECK, list], { encoding: 'utf8' }).trim().split('\n');
    return files.flatMap(({ name }, at): [string, string][] => {
      const line = lines[at] ?? 'not checked';
      return line === 'fine' ? [] : [[name, line]];
    });
  });

interface OutsideTensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: unknown;
}
export interface Run extends NamedFile {
  readonly feeds: Readonly<Record<string, OutsideTensor>>;
  /** What onnxruntime-node answered. */
  readonly answers: Readonly<Record<string, { readonly data: unknown; readonly dims: readonly number[] }>>;
}

interface WebAnswer {
  readonly error?: string;
  readonly outputs?: Readonly<Record<string, { dims: number[]; data: (number | string)[] }>>;
}

/** Outputs that onnxruntime-web answers otherwise. */
export const differingOnWeb = (runs: readonly Run[], tolerance = 2e-6): string[] => {
  const web = inFolder(runs, (paths, folder) => {
    const list = join(folder, 'runs.json');
    const asked = runs.map(({ feeds }, at) => ({
      file: paths[at],
      feeds: Object.entries(feeds).map(([name, { type, dims, data }]) => ({
        ...{ name, type, dims },
        data: Array.from(data as ArrayLike<unknown>, asJson),
      })),
    }));
    writeFileSync(list, JSON.stringify(asked));
    const script = join(__dirname, 'web.mjs');
    return JSON.parse(
      execFileSync(process.execPath, [script, list], { encoding: 'utf8', maxBuffer: 2 ** 26 }),
    ) as WebAnswer[];
  });
  return runs.flatMap(({ name, answers }, at) => {
    const { error, outputs } = web[at] ?? {};
    if (error !== undefined) return [`${name}: ${error}`];
    return Object.entries(answers).flatMap(([output, { data, dims }]) => {
      const there = outputs?.[output];
      const same =
        there !== undefined &&
        JSON.stringify(there.dims) === JSON.stringify(dims) &&
        Array.from(data as ArrayLike<unknown>).every((value, i) => agree(value, there.data[i], tolerance));
      return same ? [] : [`${name}, ${output}`];
    });
  });
};

/** A number that JSON lacks travels as text. */
const asJson = (value: unknown): unknown =>
  typeof value === 'bigint' || (typeof value === 'number' && !Number.isFinite(value)) ? String(value) : value;

/** Equal, or within a few last bits: the two builds order sums differently. */
const agree = (a: unknown, b: unknown, tolerance: number): boolean => {
  if (typeof a === 'string') return a === b;
  const [x, y] = [Number(a), Number(b)];
  return Object.is(x, y) || Math.abs(x - y) <= tolerance * Math.max(1, Math.abs(x));
};

const inFolder = <T>(files: readonly NamedFile[], use: (paths: string[], folder: string) => T): T => {
  const folder = mkdtempSync(join(tmpdir(), 'exported-'));
  try {
    const paths = files.map(({ bytes }, at) => {
      const path = join(folder, `${at}.onnx`);
      writeFileSync(path, bytes);
      return path;
    });
    return use(paths, folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};
