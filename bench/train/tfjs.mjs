/**
 * Times steps of the small mlp in TensorFlow.js on its WASM backend.
 * usage: tfjs.mjs SECONDS; prints `{ stepMs, build }`.
 */
import { register } from 'node:module';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-wasm';

// The gradients are only in files that a bundler would read: ES modules whose imports lack the extension.
const hooks = `
export const resolve = (name, context, next) =>
  next(name.startsWith('.') && !name.endsWith('.js') ? name + '.js' : name, context)
    .catch(() => next(name + '/index.js', context));
export const load = (url, context, next) =>
  next(url, /tfjs-core\\/dist\\/(?!tf-core)/.test(url) ? { ...context, format: 'module' } : context);
`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);
await import('@tensorflow/tfjs-core/dist/register_all_gradients.js');

const [ROWS, BATCH] = [16_512, 32];
const seconds = Number(process.argv[2]);
tf.enableProdMode();
await tf.setBackend('wasm');

const x = tf.randomNormal([ROWS, 8], 0, 1, 'float32', 1);
const y = tf.sub(tf.slice(x, [0, 0], [ROWS, 1]), tf.mul(tf.slice(x, [0, 1], [ROWS, 1]), 2));
const layers = [
  [8, 64],
  [64, 64],
  [64, 1],
].map(([from, to], at) => ({
  kernel: tf.variable(tf.randomUniform([from, to], -0.2, 0.2, 'float32', at)),
  bias: tf.variable(tf.zeros([to])),
  activation: to === 1 ? 'linear' : 'relu',
}));
const optimizer = tf.train.adam(1e-3);

const step = (rows) =>
  tf.tidy(() => {
    const index = tf.tensor1d(rows, 'int32');
    const [batch, truth] = [tf.gather(x, index), tf.gather(y, index)];
    optimizer.minimize(() => {
      const output = layers.reduce(
        (a, { kernel: b, bias, activation }) => tf.fused.matMul({ a, b, bias, activation }),
        batch,
      );
      return tf.mean(tf.square(tf.sub(output, truth)));
    });
  });

const train = (duration) => {
  const started = performance.now();
  for (let steps = 0; ;) {
    const order = tf.util.createShuffledIndices(ROWS);
    for (let at = 0; at + BATCH <= ROWS; at += BATCH) {
      step(Int32Array.from(order.subarray(at, at + BATCH)));
      steps++;
      if (performance.now() - started > duration) return (performance.now() - started) / steps;
    }
  }
};

train(seconds * 250);
const stepMs = train(seconds * 1000);
console.log(JSON.stringify({ stepMs, build: `TensorFlow.js ${tf.version_core} WASM, one thread` }));
