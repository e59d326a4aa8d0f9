/** One timing of a peer in a process of its own. */
import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import type { NetworkName } from './networks';

export interface PeerTiming {
  readonly stepMs: number;
  /** Version and the libraries behind it. */
  readonly build: string;
}

// dist/bench/train/peers.js -> the project's own bench/train/ folder
const folder = resolve(__dirname, '../../../bench/train');

export interface Threads {
  /** What PyTorch is told; scikit-learn has none of its own. */
  readonly threads: number;
  /** OPENBLAS_NUM_THREADS; null leaves it to the library, which takes every core. */
  readonly blas: number | null;
}

const environment = ({ blas }: Threads): NodeJS.ProcessEnv => {
  const { OPENBLAS_NUM_THREADS: _blas, OMP_NUM_THREADS: _openMp, ...rest } = process.env;
  return { ...rest, ...(blas !== null && { OPENBLAS_NUM_THREADS: String(blas) }) };
};

export const timePython = (
  python: string,
  peer: 'pytorch' | 'scikit-learn',
  network: NetworkName,
  seconds: number,
  threads: Threads,
): PeerTiming => {
  const script = resolve(folder, 'peers.py');
  const args = [script, peer, network, String(threads.threads), String(seconds)];
  return JSON.parse(
    execFileSync(python, args, { encoding: 'utf8', env: environment(threads) }),
  ) as PeerTiming;
};

export const timeTensorFlowJs = (seconds: number): PeerTiming =>
  JSON.parse(
    execFileSync(process.execPath, [resolve(folder, 'tfjs.mjs'), String(seconds)], { encoding: 'utf8' }),
  ) as PeerTiming;
