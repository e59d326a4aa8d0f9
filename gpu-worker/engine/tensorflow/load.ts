import { createRequire } from 'node:module';
import type { TensorFlow } from './call';

/** The package that the GPU image installs; `npm ci` never fetches it. */
export const TENSORFLOW_PACKAGE = '@tensorflow/tfjs-node-gpu';
/** In a clone; the version of gpu-worker's optional peer. */
export const TENSORFLOW_INSTALL = `npm install --no-save ${TENSORFLOW_PACKAGE}@4.22.0`;

export type Loaded =
  { readonly tf: TensorFlow & { readonly version_core: string } } | { readonly missing: string };

/**
 * TensorFlow with its native backend, or why there is none: the package is not installed, or it is and cannot load its
 * libraries (two different errors, neither with a code in every case).
 */
export const loadTensorFlow = (): Loaded => {
  try {
    const loaded: unknown = createRequire(__filename)(TENSORFLOW_PACKAGE);
    return { tf: loaded as TensorFlow & { version_core: string } };
  } catch (error) {
    const [line = ''] = String(error instanceof Error ? error.message : error).split('\n');
    const absent = line.includes(`Cannot find module '${TENSORFLOW_PACKAGE}'`);
    return { missing: absent ? `${TENSORFLOW_PACKAGE} is not installed` : line.slice(0, 300) };
  }
};
