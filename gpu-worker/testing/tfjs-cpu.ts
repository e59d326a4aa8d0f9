/** Stands in for @tensorflow/tfjs-node-gpu in tests: the same API on TensorFlow.js's own cpu backend. */
import { buffer, cast, clone, print } from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-core/dist/register_all_gradients';
import { setOpHandler } from '@tensorflow/tfjs-core/dist/tensor';
import '@tensorflow/tfjs-backend-cpu';

// The gradients come with a second copy of the core, which is to find its operators, too.
setOpHandler({ buffer, cast, clone, print });

export * from '@tensorflow/tfjs-core';
