// The real worker process, with task children that run the bodies in task-bodies.cjs instead of the product's.
const { join } = require('node:path');
const { parseConfig } = require('../../dist/gpu-worker/config.js');
const { createLogger } = require('../../dist/gpu-worker/log.js');
const { startWorker } = require('../../dist/gpu-worker/worker.js');

const config = parseConfig(process.env);
let worker = null;
for (const signal of ['SIGTERM', 'SIGINT']) {
  process.on(signal, () => void worker.stop().then(() => process.exit(0)));
}
startWorker(config, 'cpu', join(__dirname, 'child.cjs'), createLogger(config.logLevel)).then((started) => {
  worker = started;
});
