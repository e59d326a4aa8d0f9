// onnxruntime-node checks tensor data with the outer realm's typed-array constructors; jest runs tests in a
// realm of its own. Sharing the constructors makes `instanceof` agree on both sides.
const { TestEnvironment } = require('jest-environment-node');

const SHARED = [
  'ArrayBuffer', 'SharedArrayBuffer', 'Uint8Array', 'Int8Array', 'Uint16Array', 'Int16Array', 'Uint32Array',
  'Int32Array', 'BigInt64Array', 'BigUint64Array', 'Float32Array', 'Float64Array', 'Uint8ClampedArray',
];

module.exports = class extends TestEnvironment {
  async setup() {
    await super.setup();
    for (const name of SHARED) this.global[name] = globalThis[name];
  }
};
