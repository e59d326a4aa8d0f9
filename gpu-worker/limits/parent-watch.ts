import { Worker } from 'node:worker_threads';

const EVERY_MS = 250;

/**
 * Ends this process when its parent is gone. The closing IPC channel tells an idle event loop; a thread of its own
 * looks at the parent's pid and kills, because native code may hold the main thread for minutes.
 */
export const dieWithParent = (parentPid: number): void => {
  process.on('disconnect', () => process.exit(0));
  const thread = new Worker(
    `const { workerData } = require('node:worker_threads');
     setInterval(() => {
       if (process.ppid !== workerData) process.kill(process.pid, 'SIGKILL');
     }, ${EVERY_MS});`,
    {
      eval: true,
      workerData: parentPid,
      resourceLimits: { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 2, stackSizeMb: 1 },
    },
  );
  thread.unref();
};
