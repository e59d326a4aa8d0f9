/** Stands in for @tensorflow/tfjs-node-gpu in tests: the same API on TensorFlow.js's own cpu backend. */
import '@tensorflow/tfjs-core/dist/register_all_gradients';
import '@tensorflow/tfjs-backend-cpu';

export * from '@tensorflow/tfjs-core';
