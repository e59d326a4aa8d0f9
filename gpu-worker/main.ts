/** Entry of the worker process: reads the environment, starts, stops. */
import { join } from 'node:path';
import { parseConfig } from './config';
import { workingDevice } from './engine/survey';
import { createLogger } from './log';
import { startWorker } from './worker';

async function main(): Promise<void> {
  const config = parseConfig(process.env);
  const log = createLogger(config.logLevel);
  let stop = async (): Promise<void> => undefined;
  let stopping = false;
  const end = (signal: NodeJS.Signals): void => {
    if (stopping) return;
    stopping = true;
    log.info({ signal }, 'stopping');
    void stop().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error }, 'did not stop cleanly');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
  // Started by the launcher: without it nobody would stop us.
  process.on('disconnect', () => end('SIGTERM'));
  const device = await workingDevice(config, join(__dirname, 'doctor.main.js'), log);
  const worker = await startWorker(config, device, join(__dirname, 'child.main.js'), log);
  stop = () => worker.stop();
  await worker.ready;
  process.send?.('ready');
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
