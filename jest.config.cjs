/** @type {import('jest').Config} */
module.exports = {
  testMatch: [
    '<rootDir>/{contracts,onnx,tabular,src,gpu-worker,migrations,test,bench,examples}/**/*.test.ts',
  ],
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/.modelmint/'],
  // Dynamic imports name the compiled file; here the source stands in for it.
  moduleNameMapper: {
    '^(\\.{1,2}/.*)\\.js$': '$1',
    '^@tensorflow/tfjs-node-gpu$': '<rootDir>/gpu-worker/testing/tfjs-cpu.ts',
  },
  testEnvironment: '<rootDir>/test/support/environment.cjs',
  globalSetup: '<rootDir>/test/support/global-setup.cjs',
  globalTeardown: '<rootDir>/test/support/global-teardown.cjs',
  setupFiles: ['reflect-metadata'],
  testTimeout: 120_000,
  maxWorkers: 2,
  workerIdleMemoryLimit: '1GB',
  // A worker with 800 MB and onnxruntime takes up to a second to go on a busy machine; half of one is taken for a leak.
  workerGracefulExitTimeout: 5000,
  // TensorFlow.js keeps its gradients in ES modules that its CommonJS bundle leaves out.
  transformIgnorePatterns: ['/node_modules/(?!@tensorflow/tfjs-core/dist/)', 'tf-core\\.node\\.js$'],
  transform: {
    '/@tensorflow/tfjs-core/dist/.+\\.js$': [
      '@swc/jest',
      { jsc: { target: 'es2022' }, module: { type: 'commonjs' } },
    ],
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
          target: 'es2022',
          keepClassNames: true,
        },
        module: { type: 'commonjs' },
      },
    ],
  },
};
